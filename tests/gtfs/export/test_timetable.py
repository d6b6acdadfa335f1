"""Timetables say intervals where the feed has intervals, departures where it has departures, and no more."""

import html
import re

import pytest

from tests.gtfs.export.test_patterns import one_more_trip
from tests.gtfs.small_city import small_feed
from tests.machine import CHROMIUM, CHROMIUM_ARGUMENTS, WAIT_MS, needs_browser
from transitmap.gtfs.export import FeedIncomplete, export_feed
from transitmap.gtfs.export.words import days_in_words, every


def page(tables, evidence="", lang=""):
    return html.unescape(export_feed(tables, "timetable", evidence, lang=lang).decode())


def tables_of(text):
    """The cells of each table of a page, row by row, without markup."""
    return [
        [
            [
                " ".join(re.sub("<[^>]*>", " ", cell).split())
                for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)
            ]
            for row in re.findall(r"<tr>.*?</tr>", table, re.S)
        ]
        for table in re.findall(r"<table>.*?</table>", text, re.S)
    ]


def test_windows_are_told_as_intervals_by_day(tables, evidence):
    first, stops = tables_of(page(tables, evidence))[:2]
    assert first == [
        ["Horas", "Lunes a viernes", "Sábado"],
        ["06:00–07:00", "cada 8 min entre 7 y 9 min", "no se ha observado"],
        ["07:00–09:00", "cada 8 min entre 7 y 9 min", "sin intervalo conocido"],
        ["09:00–20:00", "cada 12 min entre 10 y 15 min", "sin intervalo conocido"],
        ["20:00–22:00", "cada 12 min entre 10 y 15 min", "no se ha observado"],
    ]
    assert stops[1] == ["0", "Mercado Jáuregui"] and stops[-1] == ["8", "Central camionera"]


def test_no_departure_is_invented(tables, evidence):
    text = page(tables, evidence)
    assert "Salidas" not in text
    shown = {cell for table in tables_of(text) for row in table[1:] for cell in row[:1] if ":" in cell}
    windows = tables["frequencies.txt"]
    edges = {time[:5] for name in ("start_time", "end_time") for time in windows[name]}
    assert {edge for span in shown for edge in span.split("–")} <= edges


def test_without_evidence_every_headway_is_taken_at_its_word(tables):
    text = page(tables)
    assert "cada 8 min" in text and "cada 20 min" in text
    assert (
        "entre 7" not in text
        and "conocido" not in text
        and "viajes grabados" not in text.split("<footer>")[0]
    )


def test_a_gap_in_the_day_is_a_row_that_says_so():
    feed = small_feed()
    windows = feed["frequencies.txt"]
    keep = [k for k, trip in enumerate(windows["trip_id"]) if trip == "P4-WD"]
    windows = {name: [values[k] for k in keep * 2] for name, values in windows.items()}
    windows["start_time"], windows["end_time"] = ["07:00:00", "12:00:00"], ["09:00:00", "14:00:00"]
    rows = tables_of(page({**feed, "frequencies.txt": windows}))
    loop = next(table for table in rows if table[0][0] == "Horas")
    assert [row[1] for row in loop[1:]] == ["cada 15 min", "no se ha observado", "cada 15 min"]


def test_departures_that_the_feed_has_are_told_by_hour():
    feed = small_feed()
    del feed["frequencies.txt"]
    for k, clock in enumerate(["06:10:00", "06:40:00", "25:05:00"]):
        feed = one_more_trip(feed, f"P1-WD-{k}", clock)
    text = page(feed, lang="en")
    assert "every" not in text and "Departures from the first stop: Monday to Friday" in text
    assert [["00", "00"], ["06", "10 40"], ["25", "05"]] in tables_of(text)


def test_departures_that_nobody_promised_are_not_printed():
    feed = small_feed()
    feed["feed_info.txt"]["feed_version"] = ["20261122-0a1b2c3d-expanded"]
    with pytest.raises(FeedIncomplete, match="headways"):
        page(feed)


def test_fares_and_hailing_are_told_where_the_feed_has_them():
    feed = small_feed()
    assert "Tarifa" not in page(feed) and "donde sea" not in page(feed)
    calls = feed["stop_times.txt"]
    calls["continuous_pickup"] = ["0", *["1"] * (len(calls["trip_id"]) - 1)]
    feed["fare_attributes.txt"] = {"fare_id": ["F8"], "price": ["8.00"], "currency_type": ["MXN"]}
    stops = tables_of(page(feed))[1]
    assert [row[1].endswith("se sube y baja donde sea") for row in stops[1:]] == [True, False, False, False]
    assert page(feed).count("Tarifa: 8.00 MXN") == 2


def test_other_days_are_told():
    feed = small_feed()
    feed["calendar_dates.txt"] = {
        "service_id": ["WD", "SU", "WD"],
        "date": ["20261225", "20261225", "20270101"],
        "exception_type": ["2", "1", "2"],
    }
    assert "Otros días: 2026-12-25: domingo; 2027-01-01: sin servicio de lunes a viernes" in page(feed)


def test_words_of_both_languages(tables, evidence):
    spanish, english = page(tables, evidence, "es"), page(tables, evidence, "en")
    for es, en in [("cada 8 min", "every 8 min"), ("Horarios", "Timetables"), ("Licencia", "Licence")]:
        assert es in spanish and es not in english and en in english
    assert every(90, "es") == "cada 90 s" and every(150, "en") == "every 3 min"
    assert days_in_words((True,) * 7, "X", "es") == "Todos los días"
    assert days_in_words((False,) * 5 + (True, True), "X", "es") == "Sábado, domingo"
    assert days_in_words(None, "X", "en") == "Certain dates (X)"


def test_a_name_is_never_markup():
    feed = small_feed()
    feed["stops.txt"]["stop_name"][0] = "<script>alert(1)</script>"
    feed["routes.txt"]["route_short_name"][0] = "<b>&"
    for kind in ("timetable", "map"):
        text = export_feed(feed, kind).decode()
        assert "<script>alert" not in text and "<b>&<" not in text and "&lt;b&gt;&amp;" in text


@needs_browser
def test_it_prints_a_route_a_page_and_is_read_by_everybody(tables, evidence):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS), timeout=WAIT_MS
        )
        tab = browser.new_page(viewport={"width": 360, "height": 740})
        tab.set_default_timeout(WAIT_MS)
        requests = []
        tab.on("request", lambda request: requests.append(request.url))
        tab.set_content(export_feed(tables, "timetable", evidence).decode())
        assert [one["id"] for one in Axe().run(tab).response["violations"]] == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        printed = tab.pdf(width="8in", height="60in")  # all of it would fit on one page
        browser.close()
    assert requests == []
    assert re.findall(rb"/Count (\d+)", printed) == [b"2"]  # a route a page
