"""The database -> the books, one zip; however long the ledger is, some lines at a time."""

from __future__ import annotations

import datetime
import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from transitmap import chain, store
from transitmap.books import layout
from transitmap.books.contest import Contest, award, draw_csv, entrants_csv, prizes_csv
from transitmap.cells import plain_cell
from transitmap.points.prizes import Entrant

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WORDS = "draw_words:{}"
"""The fact that keeps the words of a campaign's draw once they are told."""
LEVEL = 1
NOT_TOLD = ("rules_toml", "prizes_toml", "entrants")
"""What of a campaign stands in files of its own."""


@dataclass(frozen=True)
class Written:
    """How many lines the books hold, and the seal of the last one: the number to publish."""

    n_lines: int
    head: str


def export_books(database_url: str, path: Path, now_s: float) -> Written:
    """As `write_books`, of the database at a URL."""
    store.upgrade(database_url)
    engine = store.open_engine(database_url)
    try:
        with store.session(engine, write=False) as session:
            return write_books(session, path, now_s)
    finally:
        engine.dispose()


def write_books(session: Session, path: Path, now_s: float) -> Written:
    """Writes the whole ledger as it is at one moment, with all that its prizes follow from.

    `session` must not have asked anything yet. The name of the file never stands for half of one.
    """
    store.one_moment(session)
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as books:
            written = _write(session, books, now_s)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return written


def _write(session: Session, books: zipfile.ZipFile, now_s: float) -> Written:
    small: dict[str, str] = {}
    for name, text in _small(session):
        small[name] = hashlib.sha256(text.encode()).hexdigest()
        _put(books, name, [text], now_s)
    lines = (layout.canonical(line) + "\n" for line, _ in store.sealed_lines(session))
    _put(books, layout.LEDGER, lines, now_s)
    last = _Last()
    _put(books, layout.SEALS, _seals(session, last), now_s)
    _put(books, layout.TABLE, _table(session), now_s)
    told = {"kind": layout.KIND, "format": layout.FORMAT, "made": layout.utc(now_s), "sha256": small}
    _put(
        books, layout.MANIFEST, [layout.canonical({**told, "lines": last.n_lines, "head": last.head})], now_s
    )
    return Written(last.n_lines, last.head)


def _put(books: zipfile.ZipFile, name: str, texts: Iterable[str], now_s: float) -> None:
    """A member of the zip, in pieces of many lines."""
    moment = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
    member = zipfile.ZipInfo(name, moment.timetuple()[:6])
    member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o100600 << 16
    pieces = iter(texts)
    with books.open(member, "w", force_zip64=True) as file:
        while some := list(islice(pieces, layout.CHUNK)):
            file.write("".join(some).encode())


@dataclass
class _Last:
    """How many seals were written, and the last of them."""

    n_lines: int = 0
    head: str = chain.GENESIS


def _seals(session: Session, last: _Last) -> Iterator[str]:
    for seal in store.seals(session):
        last.n_lines, last.head = last.n_lines + 1, seal
        yield f"{seal}\n"


def _table(session: Session) -> Iterator[str]:
    lines = (line for line, _ in store.sealed_lines(session))
    yield layout.csv_text(layout.TABLE_COLUMNS, [])
    while some := list(islice(lines, layout.CHUNK)):
        yield layout.table_rows(some)


def _small(session: Session) -> Iterator[tuple[str, str]]:
    """All but the ledger: name and content."""
    here = resources.files("transitmap.books")
    yield layout.README, here.joinpath("readme.txt").read_text(encoding="utf-8")
    yield layout.SCRIPT, here.joinpath("check.txt").read_text(encoding="utf-8")
    yield layout.SUMS, layout.csv_text(layout.SUM_COLUMNS, store.all_sums(session))
    names: dict[int, str] = {}
    for campaign in sorted(store.all_campaigns(session), key=lambda one: one.id):
        contest = contest_of(session, campaign)
        names |= names_of(session, campaign.id)
        yield from _of_campaign(session, contest)
    yield layout.RIDERS, layout.riders_csv(names)


def names_of(session: Session, campaign_id: int) -> dict[int, str]:
    """The pseudonyms that the board shows, by number, as a spreadsheet may read them."""
    rows = store.entrants(session, campaign_id)
    return {row.user_id: "" if row.is_hidden or row.is_erased else plain_cell(row.name) for row in rows}


def _of_campaign(session: Session, contest: Contest) -> Iterator[tuple[str, str]]:
    told = {name: value for name, value in asdict(contest).items() if name not in NOT_TOLD}
    yield layout.of_campaign(contest.slug, layout.CAMPAIGN), layout.canonical(told)
    yield layout.of_campaign(contest.slug, layout.RULES), contest.rules_toml
    yield layout.of_campaign(contest.slug, layout.PRIZE_RULES), contest.prizes_toml
    yield layout.of_campaign(contest.slug, layout.ENTRANTS), entrants_csv(contest.entrants)
    if contest.has_prizes:
        found = award(contest, verified_of(session, contest))
        yield layout.of_campaign(contest.slug, layout.PRIZES), prizes_csv(found)
        yield layout.of_campaign(contest.slug, layout.DRAW), draw_csv(found)


def contest_of(session: Session, campaign: store.Campaign) -> Contest:
    """A campaign of the database as its prizes see it."""
    return Contest(
        campaign_id=campaign.id,
        **{name: getattr(campaign, name) for name in COLUMNS},
        words=store.fact(session, WORDS.format(campaign.id)) or "",
        entrants=tuple(
            Entrant(
                user_id=row.user_id,
                verified_millipoints=0,
                team_id=row.team_id,
                is_staff=row.role != "rider",
                has_consent=bool(row.prize_consent),
                is_erased=row.is_erased,
                has_open_finding=row.has_open_finding,
                person_id=row.person_id,
                before_millipoints=row.before_millipoints,
            )
            for row in store.entrants(session, campaign.id)
        ),
    )


COLUMNS = (
    "slug",
    "name_es",
    "name_en",
    "state",
    "opens_s",
    "closes_s",
    "frozen_s",
    "closed_s",
    "currency",
    "budget_centavos",
    "rules_version",
    "rules_toml",
    "prizes_toml",
    "snapshot_sha256",
    "signature",
)
"""Columns of a campaign that a Contest has under the same name."""


def verified_of(session: Session, contest: Contest) -> dict[int, int]:
    """The verified millipoints of a campaign's riders, as the board has them."""
    rows = store.entrants(session, contest.campaign_id)
    return {row.user_id: row.verified_millipoints for row in rows}
