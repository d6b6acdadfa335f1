from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pypdf
import pytest

from tests.points.hand import network_of
from transitmap.campaigns.figures import Growth, Line, Mapped, Need
from transitmap.campaigns.plots import draw_area, draw_by_riders, draw_growth
from transitmap.campaigns.report import Account, Outlook, report_of, write_html, write_pdf
from transitmap.campaigns.words import WORDS, Voice

DAY_S = 86_400.0
OPENS_S = 1_801_202_400.0  # 2027-01-29 0:00 in Mexico City
ES, EN = Voice("es_MX", "MXN", "America/Mexico_City"), Voice("en", "MXN", "America/Mexico_City")
EVIL = "Peñón <b>&#let x = 1; $x$ [*y*]"
MAPPED = Mapped(
    n_rides=412, n_riders=180, n_days=17, recorded_m=21_400_300.0, median_rides=2.5, share_of_top_tenth=0.41,
    n_routes=3, n_directions=6, n_new=5, n_confirmed=4, n_confirmed_new=3, n_published=2, ridden_m=40_000.0,
    by_riders=(0, 2, 2, 1, 1), n_stops=50, stops_by_confidence=(10, 15, 20, 5), n_directions_of_map=9,
    n_patterns=7, n_patterns_without_interval=2, n_windows=30, n_windows_unknown=8, n_unnamed=1,
    n_rides_on_no_line=33, growth=Growth((20_847, 20_850), (2, 6), (0, 4)),
    lines=(Line("R10", "Ruta 10", "", 5, 2, 0, 9_000.0, 8_999.0),
           Line("R2", EVIL, "Ñuñoa", 9, 3, 1, 0.0, 0.0)),
)  # fmt: skip
ACCOUNT = Account(
    "Rutas que faltan", "Movilidad", OPENS_S, OPENS_S + 17 * DAY_S, True, OPENS_S + 20 * DAY_S, 17_000_000,
    MAPPED, prizes_centavos={"held": 3_000_000, "paid": 9_000_000, "refused": 500}, n_teams=4,
    feed_version="12-ab", head_sha256="ab" * 32, snapshot_sha256="cd" * 32, rules_version="2027.1",
)  # fmt: skip
NOTHING = replace(
    ACCOUNT, mapped=Mapped(), prizes_centavos={}, is_closed=False, snapshot_sha256="", head_sha256=""
)


def said(account: Account, voice: Voice = ES) -> str:
    """All words of the report in one text."""
    parts: list[str] = []
    for block in report_of(account, voice)["blocks"]:
        parts += [block.get("text", ""), *block.get("items", ())]
        parts += [cell for row in block.get("rows", ()) for cell in row]
    return "\n".join(parts)


def read(pdf: bytes) -> tuple[pypdf.PdfReader, str]:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return reader, "\n".join(page.extract_text() for page in reader.pages)


def test_the_report_says_what_was_mapped_and_what_it_cost():
    told = said(ACCOUNT)
    assert "180 personas registraron 412 viajes en 17 días (21,400 km en total)." in told
    assert "De 6 sentidos de ruta que recorrieron, 4 quedan confirmados" in told
    figures = dict(
        row
        for block in report_of(ACCOUNT, ES)["blocks"]
        if block["kind"] == "figures"
        for row in block["rows"]
    )
    assert figures["Premios por sentido confirmado por esta campaña"] == "$40,000.00"  # 120,000 for 3
    assert figures["Presupuesto por sentido confirmado por esta campaña"] == "$56,666.67"
    assert figures["… con confianza de 0.7 o más"] == "25"
    assert figures["… con confianza menor de 0.5"] == "10"
    assert figures["Viajes por persona (mediana)"] == "2.5"


def test_what_is_unknown_is_said_and_not_made_up():
    told = said(ACCOUNT)
    for sentence in (
        "2 de 6 sentidos recorridos los conoce una sola persona",
        "3 de 9 sentidos del mapa no los recorrió nadie",
        "De 2 de 7 recorridos no se sabe cada cuánto pasan.",
        "En 8 de 30 franjas",
        "33 de 412 viajes no siguen ninguna ruta conocida",
        "no tiene una cuadrícula de población",
        "no se puede pronosticar",
        "Cuántas rutas tiene la ciudad no lo sabe este mapa",
    ):
        assert sentence in told
    told = said(replace(ACCOUNT, outlook=Outlook(410, 950, 1_200, None)))
    assert "faltan al menos 1,200 viajes más" in told and "95 %" in told and "41 %" in told
    done = said(replace(ACCOUNT, outlook=Outlook(960, 950, 0, 0)))
    assert "la meta de 95 % está alcanzada" in done and "viajes más" not in done
    assert "la edad, el género" in told


def test_what_was_mapped_and_paid_where_need_is_marked():
    need = Need(40, 103, 10_000.0, 2, 1, np.zeros(0, dtype=bool))
    account = replace(
        ACCOUNT, mapped=replace(MAPPED, need=need), millipoints=800_000, verified_millipoints=400_000,
        there=(300_000, 100_000),
    )  # fmt: skip
    rows = dict(
        row for block in report_of(account, EN)["blocks"] for row in block.get("rows", ()) if len(row) == 2
    )
    assert rows["Kilometres of line ridden there"] == "10 of 40 (25 %)"
    assert rows["Trips there"] == "103 of 412 (25 %)"
    assert rows["People with a trip there"] == "40 of 180 (22 %)"
    assert rows["Points of trips there"] == "300 of 800 (38 %)"
    assert rows["Prizes, in proportion to confirmed points there"] == "MX$30,000.00"  # a quarter of 120,000
    assert rows["… for each direction confirmed there"] == "MX$30,000.00"
    assert "no grid" not in said(account, EN)
    few = replace(account, mapped=replace(MAPPED, need=replace(need, n_riders=2, n_confirmed_new=0)))
    assert "not told: fewer than 3 people" in said(few, EN)
    assert "unknown: nothing was confirmed" in said(few, EN)
    unpaid = said(replace(account, verified_millipoints=0, there=(0, 0), prizes_centavos={}), EN)
    assert "Budget, in proportion to confirmed points there\nunknown" in unpaid
    assert "Equidad" in read(write_pdf(account, ES))[1]


def test_a_campaign_without_a_ride_is_told_without_a_figure_it_does_not_have():
    told = said(NOTHING)
    assert "Nadie registró un viaje" in told
    assert "La campaña no está cerrada" in told
    assert told.count("desconocido: nada quedó confirmado") == 1  # of the budget; no prize was decided
    assert "No se ha decidido ningún premio" in told
    assert "$0.00" not in told
    assert read(write_pdf(NOTHING, ES))[1].startswith("Informe provisional: Rutas que faltan")


def test_the_page_and_the_pdf_say_the_same_and_read_nothing_as_markup():
    html, (reader, text) = write_html(ACCOUNT, ES).decode(), read(write_pdf(ACCOUNT, ES))
    assert "Peñón &lt;b&gt;&amp;#let x = 1; $x$ [*y*]" in html and "<b>" not in html
    flat = re.sub(r"\s+", " ", text)
    assert EVIL in flat
    for word in ("Qué se mapeó", "Quiénes participaron", "$56,666.67", "Ñuñoa", "cdcdcdcd"):
        assert word in flat and word in html
    assert html.index(EVIL[:5]) < html.index("Ruta 10")
    assert len(reader.pages) < 6


@pytest.mark.parametrize(
    ("voice", "lang", "title"), [(ES, "es-MX", "Informe final"), (EN, "en", "End report")]
)
def test_both_say_their_language_and_title_and_the_pdf_is_tagged(voice: Voice, lang: str, title: str):
    reader, _ = read(write_pdf(ACCOUNT, voice))
    root = reader.trailer["/Root"]
    assert root["/Lang"] == lang and root["/MarkInfo"]["/Marked"]
    assert reader.metadata is not None and reader.metadata.title == f"{title}: Rutas que faltan"
    assert "pdfuaid" in root["/Metadata"].get_data().decode()
    tags = str(_tags(root["/StructTreeRoot"]))
    for tag in ("/H1", "/Table", "/TH", "/Figure", "/L", "/P"):
        assert f"'{tag}'" in tags
    assert f'<html lang="{lang}">' in write_html(ACCOUNT, voice).decode()


def _tags(node) -> set[str]:
    node = node.get_object() if hasattr(node, "get_object") else node
    if not isinstance(node, dict):
        return set().union(*map(_tags, node)) if isinstance(node, list) else set()
    return {str(node["/S"])} | _tags(node.get("/K", [])) if "/S" in node else _tags(node.get("/K", []))


def test_the_same_account_gives_the_same_bytes():
    assert write_pdf(ACCOUNT, ES) == write_pdf(ACCOUNT, ES)
    assert write_html(ACCOUNT, ES) == write_html(ACCOUNT, ES)


def test_every_word_is_said_in_both_languages_with_the_same_values():
    for name, (spanish, english) in WORDS.items():
        assert spanish and english, name
        assert sorted(re.findall(r"{\w*}", spanish)) == sorted(re.findall(r"{\w*}", english)), name


def test_a_share_that_is_not_all_is_not_told_as_all():
    assert [ES.percent(share) for share in (0.0, 0.001, 0.5, 0.999, 1.0)] == [
        "0 %",
        "1 %",
        "50 %",
        "99 %",
        "100 %",
    ]


def test_the_drawings_stay_inside_their_frame():
    for svg in (
        draw_by_riders((0, 0, 0, 0, 9_999), ES),
        draw_growth(Growth((5,), (1,), (0,)), ES),
        draw_growth(MAPPED.growth, EN),
    ):
        box = [float(one) for one in re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups()]
        xy = [
            (float(x), float(y))
            for x, y in re.findall(r'[ML"]([\d.]+) ([\d.]+)', svg)
            if float(x) or float(y)
        ]
        assert all(0 <= x <= box[0] and 0 <= y <= box[1] for x, y in xy[1:])
        assert "nan" not in svg


def test_an_area_is_drawn_with_what_is_published_in_it_alone():
    city = network_of((0, 0, [(0.0, 0.0), (3_000.0, 0.0)]), (1, 0, [(90_000.0, 0.0), (95_000.0, 0.0)]))
    drawn = draw_area(city, "19.39,-99.12,19.42,-99.06")
    assert drawn.count("<path") == 3  # one line, the box, the scale
    assert "km" in drawn or " m<" in drawn
    assert draw_area(None, "19.39,-99.12,19.42,-99.06").count("<path") == 2
