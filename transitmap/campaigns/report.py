"""What a campaign came to, told to people: one page of HTML and one PDF with the same words and figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transitmap.campaigns.figures import CONFIDENCES, Line, Mapped, cost_centavos
from transitmap.campaigns.plots import draw_by_riders, draw_growth
from transitmap.campaigns.words import Voice
from transitmap.gtfs.export.patterns import natural

HTML, TYPST = (Path(__file__).with_name(f"report.{suffix}") for suffix in ("html", "typ"))
MAX_LINES = 400
FEW = 3
"""Fewer people than this are not counted aloud."""
PAYOUT_STATES = ("held", "approved", "paid", "refused")


@dataclass(frozen=True)
class Outlook:
    """How many more rides until a share of the known cells is confirmed; None is out of sight."""

    share_permille: int
    target_permille: int
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Account:
    """All that an end report tells. Centavos by state of payout; no payout decided is an empty mapping.

    `there` are the points of rides where need is marked, and those that count for prizes; None where nobody
    says where that is.
    """

    name: str
    publisher: str
    opens_s: float | None
    closes_s: float | None
    is_closed: bool
    made_s: float
    budget_centavos: int
    mapped: Mapped
    prizes_centavos: Mapping[str, int] = field(default_factory=dict)
    n_teams: int = 0
    millipoints: int = 0
    verified_millipoints: int = 0
    n_open_findings: int = 0
    outlook: Outlook | None = None
    there: tuple[int, int] | None = None
    feed_version: str = ""
    rules_version: str = ""
    n_ledger_lines: int = 0
    head_sha256: str = ""
    snapshot_sha256: str = ""


Block = dict[str, Any]
"""A piece of the report: `kind` is heading, text, list, figures (name and value), table or plot."""


def write_html(account: Account, voice: Voice) -> bytes:
    """The report as one page that needs nothing else."""
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        HTML.read_text(encoding="utf-8")
    )
    return template.render(report=report_of(account, voice)).encode()


def write_pdf(account: Account, voice: Voice) -> bytes:
    """The report as PDF/UA-1 (ISO 14289-1): tagged, with title and language, its text to be selected.

    Only fonts that come with the library are used: the same account gives the same bytes everywhere. What is
    told is data to the template, never a part of it.
    """
    import typst

    told = json.dumps(report_of(account, voice), ensure_ascii=False)
    pdf: bytes = typst.compile(
        TYPST.read_bytes(),
        format="pdf",
        sys_inputs={"report": told},
        ignore_system_fonts=True,
        pdf_standards="ua-1",
        timestamp=int(account.made_s),
    )
    return pdf


def report_of(account: Account, voice: Voice) -> dict[str, Any]:
    """Title, language and blocks of the report."""
    say = voice.say
    sections = (_mapped, _cost, _people, _equity, _unknown, _lines, _check)
    blocks = [*_summary(account, voice)]
    for section in sections:
        blocks += section(account, voice)
    return {
        "title": f"{say('final' if account.is_closed else 'interim')}: {account.name}",
        "publisher": account.publisher,
        "lang": "en" if voice.locale == "en" else "es",
        "region": "" if voice.locale == "en" else "MX",
        "subtitle": _dates(account, voice),
        "made": say("made", voice.day(account.made_s)),
        "page": say("page"),
        "blocks": blocks,
    }


def _dates(account: Account, voice: Voice) -> str:
    """The first day and the last; nothing of a campaign without end."""
    if account.opens_s is None or account.closes_s is None:
        return ""
    return voice.say("dates", voice.day(account.opens_s), voice.day(account.closes_s - 1))


def _summary(account: Account, voice: Voice) -> list[Block]:
    mapped, say = account.mapped, voice.say
    blocks = [] if account.is_closed else [_text(say("not_closed"))]
    if not mapped.n_rides:
        return [*blocks, _text(say("nobody"))]
    lead = say(
        "lead",
        riders=voice.count("c_riders", mapped.n_riders),
        rides=voice.count("c_rides", mapped.n_rides),
        days=voice.count("c_days", mapped.n_days),
        km=voice.km(mapped.recorded_m),
        directions=voice.count("c_directions", mapped.n_directions),
        confirmed=voice.number(mapped.n_confirmed),
        confirmed_new=voice.number(mapped.n_confirmed_new),
    )
    return [*blocks, _text(lead), _text(say("meaning"))]


def _mapped(account: Account, voice: Voice) -> list[Block]:
    mapped, say = account.mapped, voice.say
    rows = [
        (say("routes"), voice.number(mapped.n_routes)),
        (say("directions"), voice.number(mapped.n_directions)),
        (say("new"), voice.number(mapped.n_new)),
        (say("confirmed"), voice.number(mapped.n_confirmed)),
        (say("confirmed_new"), voice.number(mapped.n_confirmed_new)),
        (say("published"), voice.number(mapped.n_published)),
        (say("ridden_km"), voice.km(mapped.ridden_m)),
        (say("stops"), voice.number(mapped.n_stops)),
        *_stop_rows(mapped, voice),
    ]
    blocks = [_heading(say("mapped")), {"kind": "figures", "rows": rows}]
    if mapped.n_directions:
        blocks.append(_plot(draw_by_riders(mapped.by_riders, voice), say("by_riders")))
    if mapped.growth.day:
        blocks.append(_plot(draw_growth(mapped.growth, voice), say("growth")))
    return blocks


def _stop_rows(mapped: Mapped, voice: Voice) -> list[tuple[str, str]]:
    """Stops at or above each confidence, and those below the lowest that says anything."""
    above = [sum(mapped.stops_by_confidence[nth:]) for nth in range(len(CONFIDENCES))]
    rows = [
        (voice.say("stops_from", least), voice.number(above[nth]))
        for nth, least in reversed(list(enumerate(CONFIDENCES)))
        if least
    ]
    return [*rows, (voice.say("stops_to", CONFIDENCES[1]), voice.number(mapped.stops_by_confidence[0]))]


def _cost(account: Account, voice: Voice) -> list[Block]:
    say, n_confirmed = voice.say, account.mapped.n_confirmed_new
    decided = {state: n for state in PAYOUT_STATES if (n := account.prizes_centavos.get(state, 0))}
    spent = sum(n for state, n in decided.items() if state != "refused")
    rows = [
        (say("budget"), voice.money(account.budget_centavos)),
        *((say(f"state_{state}"), voice.money(n)) for state, n in decided.items()),
    ]
    asked = [("per_confirmed", spent)] if decided else []
    for name, centavos in [*asked, ("per_confirmed_budget", account.budget_centavos)]:
        each = cost_centavos(centavos, n_confirmed)
        rows.append((say(name), say("none_confirmed") if each is None else voice.money(each)))
    told = [] if decided else [_text(say("no_prizes"))]
    return [_heading(say("cost")), {"kind": "figures", "rows": rows}, *told, _text(say("not_counted"))]


def _people(account: Account, voice: Voice) -> list[Block]:
    mapped, say = account.mapped, voice.say
    top = voice.percent(mapped.share_of_top_tenth) if mapped.n_riders >= 10 else say("too_few_people")
    rows = [
        (say("n_riders"), voice.number(mapped.n_riders)),
        (say("only_here"), _people_there(mapped.n_only_here, mapped.n_riders, voice)),
        (say("n_rides"), voice.number(mapped.n_rides)),
        (say("n_days"), voice.number(mapped.n_days)),
        (say("recorded_km"), voice.km(mapped.recorded_m)),
        (say("median"), voice.number(mapped.median_rides, int(mapped.median_rides % 1 != 0))),
        (say("top_tenth"), top),
        (say("teams"), voice.number(account.n_teams)),
        (say("points"), voice.number(account.millipoints / 1000)),
        (say("verified"), voice.number(account.verified_millipoints / 1000)),
    ]
    return [_heading(say("people")), {"kind": "figures", "rows": rows}]


def _equity(account: Account, voice: Voice) -> list[Block]:
    """What was mapped where a grid marks need, and the part of points and prizes that went there."""
    mapped, say, need, there = account.mapped, voice.say, account.mapped.need, account.there
    if need is None or there is None:
        return [_heading(say("equity")), _text(say("no_equity")), _text(say("not_asked"))]
    rows = [
        (say("e_km"), _part(need.ridden_m / 1000, mapped.ridden_m / 1000, voice)),
        (say("e_directions"), _part(need.n_directions, mapped.n_directions, voice)),
        (say("e_confirmed"), _part(need.n_confirmed_new, mapped.n_confirmed_new, voice)),
        (say("e_rides"), _part(need.n_rides, mapped.n_rides, voice)),
        (say("e_riders"), _people_there(need.n_riders, mapped.n_riders, voice)),
        (say("e_points"), _part(there[0] / 1000, account.millipoints / 1000, voice)),
        (say("e_verified"), _part(there[1] / 1000, account.verified_millipoints / 1000, voice)),
        *_cost_there(account, need.n_confirmed_new, there[1], voice),
    ]
    told = [_text(say("e_meaning")), {"kind": "figures", "rows": rows}]
    return [_heading(say("equity")), *told, _text(say("not_asked"))]


def _part(part: float, whole: float, voice: Voice) -> str:
    """A number of all and its share; of nothing no share is told."""
    if not whole:
        return voice.say("unknown_value")
    return voice.say("part_of", voice.number(part), voice.number(whole), voice.percent(part / whole))


def _people_there(n_riders: int, n_all: int, voice: Voice) -> str:
    """People are not told where they are so few that somebody could be meant."""
    is_few = 0 < n_riders < FEW or 0 < n_all - n_riders < FEW
    return voice.say("few_people", FEW) if is_few else _part(n_riders, n_all, voice)


def _cost_there(account: Account, n_confirmed: int, verified: int, voice: Voice) -> list[tuple[str, str]]:
    """The part of prizes, else of the budget, that confirmed points there stand for, and a direction's."""
    decided = sum(n for state, n in account.prizes_centavos.items() if state != "refused")
    name, centavos = ("e_prizes", decided) if decided else ("e_budget", account.budget_centavos)
    if not account.verified_millipoints or not centavos:
        return [(voice.say(name), voice.say("unknown_value"))]
    part = max(0, centavos * verified // account.verified_millipoints)
    each = cost_centavos(part, n_confirmed)
    told = voice.say("none_confirmed") if each is None else voice.money(each)
    return [(voice.say(name), voice.money(part)), (voice.say(f"{name}_each"), told)]


def _unknown(account: Account, voice: Voice) -> list[Block]:
    mapped, say = account.mapped, voice.say
    told = (
        ("u_one", sum(mapped.by_riders[:2]), mapped.n_directions),
        ("u_not_reached", mapped.n_directions_of_map - mapped.n_directions, mapped.n_directions_of_map),
        ("u_interval", mapped.n_patterns_without_interval, mapped.n_patterns),
        ("u_window", mapped.n_windows_unknown, mapped.n_windows),
        ("u_unnamed", mapped.n_unnamed, mapped.n_routes),
        ("u_no_line", mapped.n_rides_on_no_line, mapped.n_rides),
    )
    items = [say(name, voice.number(part), voice.number(whole)) for name, part, whole in told if part]
    if account.n_open_findings:
        items.append(voice.count("waiting", account.n_open_findings))
    if mapped.n_late:
        items.append(voice.count("u_late", mapped.n_late))
    items += [say("u_streets"), _forecast(account.outlook, voice)]
    return [_heading(say("unknown")), {"kind": "list", "items": items}]


def _forecast(outlook: Outlook | None, voice: Voice) -> str:
    if outlook is None or outlook.low is None:
        return voice.say("no_forecast")
    if outlook.share_permille >= outlook.target_permille:
        name = "forecast_done"
    else:
        name = "forecast_open" if outlook.high is None else "forecast"
    return voice.say(
        name,
        low=voice.number(outlook.low),
        high=voice.number(outlook.high or 0),
        target=voice.percent(outlook.target_permille / 1000),
        now=voice.percent(outlook.share_permille / 1000),
    )


def _lines(account: Account, voice: Voice) -> list[Block]:
    say = voice.say
    lines = sorted(account.mapped.lines, key=lambda line: (natural(line.name), line.route_id, line.headsign))
    names = ("t_route", "t_to", "t_rides", "t_riders", "t_before", "t_km", "t_share")
    head = [say(name) for name in names]
    rows = [_cells(line, voice) for line in lines[:MAX_LINES]]
    if not rows:
        return [_heading(say("table")), _text(say("t_none"))]
    blocks = [
        _heading(say("table")),
        {"kind": "table", "name": say("table"), "head": head, "rows": rows, "n_texts": 2},
    ]
    if len(lines) > MAX_LINES:
        blocks.append(_text(say("t_more", voice.number(len(lines) - MAX_LINES))))
    return blocks


def _cells(line: Line, voice: Voice) -> list[str]:
    numbers = (line.n_rides, line.n_riders, line.n_riders_before)
    share = line.ridden_m / line.length_m if line.length_m else 0.0
    return [
        line.name or line.route_id,
        line.headsign or "–",
        *(voice.number(n) for n in numbers),
        voice.number(line.ridden_m / 1000, 1),
        voice.percent(share),
    ]


def _check(account: Account, voice: Voice) -> list[Block]:
    say = voice.say
    told = (
        ("c_feed", account.feed_version),
        ("c_rules", account.rules_version),
        ("c_ledger", voice.number(account.n_ledger_lines)),
        ("c_head", account.head_sha256),
        ("c_snapshot", account.snapshot_sha256),
    )
    rows = [(say(name), value or say("unknown_value")) for name, value in told]
    how = [_text(say("c_how"))] if account.snapshot_sha256 else []
    return [_heading(say("check")), {"kind": "figures", "rows": rows}, *how]


def _heading(said: str) -> Block:
    return {"kind": "heading", "text": said}


def _text(said: str) -> Block:
    return {"kind": "text", "text": said}


def _plot(svg: str, said: str) -> Block:
    return {"kind": "plot", "svg": svg, "text": said}
