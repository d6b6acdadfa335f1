"""Boards and awards with 100,000 riders and 5 M lines, in ms: `python -m benchmarks.large_board`.

Options: `--riders N --lines N --seed N`, and `--database URL --folder DIR` (of the archive) to keep what was
made for another run. Rows are written in bulk, as the tables say and with every seal of the chain; everybody
is in a team of eight, and there are a million marks of rides that copies are looked for by. Each figure
stands beside a bare query of the same run. The award is timed alone, with all of the examination before it,
and with what of that is done while the ledger is locked.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import hashlib
import itertools
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from benchmarks import honest_riders as honest
from transitmap import chain, store
from transitmap.archive import Archive, pack_ride
from transitmap.contribute import ledger_lines
from transitmap.examined import Look, keep_findings, look_ahead, look_at, prepare
from transitmap.model import Network, Ride, Segments, Terms
from transitmap.points.rules import load_rules
from transitmap.points.score import score
from transitmap.points.suspicion.marks import candidates, marks_of

N_ROUTES, TEAM_SIZE = 85, 8
N_MARKS, MARKS_A_RIDE, N_PARTIES = 1_000_000, 50, 55
PAGES = ("period=week", "period=campaign", "period=all", "who=teams", "period=campaign&who=teams")
N_ON_THE_STREET, MARKS_AS_FEW, N_STREET_RIDES = 20, 16, 4_000
"""So many other rides share one mark of so many with a ride."""
LINES_A_RIDE, N_WEEKS, DAY_S = 5, 26, 86_400
SEGMENTS_A_WAY, OBSERVERS = 120, 12
NETWORK, RULES, RACE, KEY = "1-benchmark", "2026.3", 2, b"benchmark"
Sums = dict[tuple[int, int, int], list[int]]


# --- the rows ------------------------------------------------------------------------------------


def main() -> int:
    """Make the database, where it is not there, and print a line a measurement."""
    asked = _arguments()
    with contextlib.ExitStack() as stack:
        folder = Path(asked.folder or stack.enter_context(tempfile.TemporaryDirectory()))
        url = asked.database or f"sqlite:///{folder / 'board.db'}"
        _make(url, asked.riders, asked.lines, asked.seed)
        _measure(url, folder)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--riders", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--database", default="")
    parser.add_argument("--folder", default="")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _make(url: str, n_riders: int, n_lines: int, seed: int) -> None:
    """Fills an empty database; one that is filled is taken as it is."""
    store.upgrade(url)
    engine = store.open_engine(url)
    with store.session(engine, write=False) as session:
        n_there = session.scalar(sa.select(sa.func.count()).select_from(store.User))
    if not n_there:
        began_s = time.perf_counter()
        game, sums = _Game(n_riders, n_lines, seed), Sums()
        load = _load_sqlite if engine.dialect.name == "sqlite" else _load_postgres
        load(engine, game, sums)
        print(
            f"made {n_riders} riders and {n_lines} lines in {time.perf_counter() - began_s:.0f} s", flush=True
        )
    engine.dispose()


class _Game:
    """A season: riders of very different zeal, two campaigns, half a year."""

    def __init__(self, n_riders: int, n_lines: int, seed: int) -> None:
        self.random, self.n_riders, self.n_lines = random.Random(seed), n_riders, n_lines
        self.n_rides, self.n_teams = n_lines // LINES_A_RIDE, max(1, n_riders // TEAM_SIZE)
        self.began_s = math.floor(time.time() / DAY_S) * DAY_S - N_WEEKS * 7 * DAY_S
        zeal = [self.random.lognormvariate(0, 1.2) for _ in range(n_riders)]
        self.rider_of = self.random.choices(range(1, n_riders + 1), zeal, k=self.n_rides)

    def users(self) -> Iterator[dict[str, Any]]:
        for number in range(1, self.n_riders + 1):
            name = f"Persona {number}"
            is_hidden = number % 20 == 0
            yield _row(store.User, id=number, name=name, name_key=store.name_key(name), is_hidden=is_hidden,
                       created_s=self.began_s)  # fmt: skip

    def uploads(self) -> Iterator[dict[str, Any]]:
        for number in range(1, self.n_riders + 1):
            yield _row(store.Upload, id=f"u{number}", user_id=number, sha256=f"{number:064x}", name="a.gpx",
                       n_bytes=9, received_s=self.began_s, state=store.UNDERSTOOD)  # fmt: skip

    def rides(self) -> Iterator[dict[str, Any]]:
        for index, user_id in enumerate(self.rider_of):
            route_id = f"R{(user_id * 7 + index % 5) % N_ROUTES}"
            yield _ride(f"r{index}", user_id, index + 1, self.time_s(index), route_id)

    def time_s(self, index: int) -> float:
        return self.began_s + N_WEEKS * 7 * DAY_S * index / self.n_rides

    def lines(self, sums: Sums) -> Iterator[dict[str, Any]]:
        """An award and four confirmations a ride, each sealed; the sums are folded on the way."""
        before, sequence = chain.GENESIS, 0
        for index, user_id in enumerate(self.rider_of):
            full, created_s, campaign_id = (
                self.random.randrange(4, 120_000) // 4 * 4,
                self.time_s(index),
                1 + index % 2,
            )
            for part in range(LINES_A_RIDE):
                sequence += 1
                line = _line(index, user_id, campaign_id, part, full, created_s) | {"sequence": sequence}
                before = line["sha256"] = chain.seal(before, line)
                _fold(sums, line, part == 0)
                yield line

    def teams(self) -> Iterator[dict[str, Any]]:
        for number in range(1, self.n_teams + 1):
            name = f"Equipo {number}"
            yield _row(store.Team, id=number, campaign_id=RACE, name=name, name_key=store.name_key(name),
                       made_by=1, made_s=self.began_s)  # fmt: skip

    def members(self) -> Iterator[dict[str, Any]]:
        for number in range(1, self.n_riders + 1):
            yield _row(store.Member, campaign_id=RACE, user_id=number, team_id=1 + number % self.n_teams,
                       state=store.MEMBER, since_s=self.began_s)  # fmt: skip

    def team_sums(self, sums: Sums) -> Iterator[dict[str, Any]]:
        """What the members of each team have: all joined before they rode."""
        teams: dict[tuple[int, int], list[int]] = {}
        for (campaign_id, period, user_id), (points, verified, _) in sums.items():
            if campaign_id == RACE:
                kept = teams.setdefault((1 + user_id % self.n_teams, period), [0, 0])
                kept[:] = kept[0] + points, kept[1] + verified
        for (team_id, period), (points, verified) in sorted(teams.items()):
            yield _row(store.TeamSum, team_id=team_id, period=period, millipoints=points,
                       verified_millipoints=verified)  # fmt: skip

    def marks(self) -> Iterator[dict[str, Any]]:
        """A million marks of the last rides, a third of them shared with another ride."""
        n_marked = min(N_MARKS // MARKS_A_RIDE, self.n_rides)
        pool = [self.random.getrandbits(63) for _ in range(n_marked * MARKS_A_RIDE * 2)]
        for index in range(self.n_rides - n_marked, self.n_rides):
            for band in sorted(set(self.random.choices(pool, k=MARKS_A_RIDE))):
                yield {"band": band, "ride_id": f"r{index}"}

    def observations(self) -> Iterator[dict[str, Any]]:
        for segment in range(N_ROUTES * 2 * SEGMENTS_A_WAY):
            for place in range(OBSERVERS):
                user_id = 1 + (segment * 31 + place * 977) % self.n_riders
                yield _row(store.Observation, network_version=NETWORK, segment=segment, user_id=user_id,
                           day=20_000 + place, place=place)  # fmt: skip


def _line(
    index: int, user_id: int, campaign_id: int, part: int, full: int, created_s: float
) -> dict[str, Any]:
    """One line of a ride's: a quarter at once, three quarters in four confirmations."""
    points = full // 4 if part == 0 else 3 * full // 16
    kind, rule = ("award", "new_metres") if part == 0 else ("confirmation", f"confirmed_{part}")
    return {
        "key": f"{rule}:r{index}", "campaign_id": campaign_id, "kind": kind, "ride_id": f"r{index}",
        "user_id": user_id, "rule": rule, "millipoints": points,
        "verified_millipoints": full // 4 if part else 0, "rules_version": RULES, "network_version": NETWORK,
        "evidence": {"full_millipoints": full, "length_m": full // 10, "permille": part * 250},
        "text_es": f"{full / 1e4:.1f} km nuevos de la ruta R{user_id * 7 % N_ROUTES}; calidad 93 %.",
        "text_en": f"{full / 1e4:.1f} km of route R{user_id * 7 % N_ROUTES} that nobody had recorded.",
        "created_s": created_s, "day": int(created_s // DAY_S),
    }  # fmt: skip


def _fold(sums: Sums, line: dict[str, Any], is_first: bool) -> None:
    own = ((line["campaign_id"], period) for period in (0, store.monday(line["day"])))
    for where in (*own, (store.ALL_CAMPAIGNS, 0)):
        kept = sums.setdefault((*where, line["user_id"]), [0, 0, 0])
        kept[0] += line["millipoints"]
        kept[1] += line["verified_millipoints"]
        kept[2] += is_first


def _sum_rows(sums: Sums) -> Iterator[dict[str, Any]]:
    for (campaign_id, period, user_id), (points, verified, n_rides) in sorted(sums.items()):
        yield _row(store.Sum, campaign_id=campaign_id, period=period, user_id=user_id, millipoints=points,
                   verified_millipoints=verified, n_rides=n_rides)  # fmt: skip


def _row(table: Any, **values: Any) -> dict[str, Any]:
    """A row with the defaults of its table."""
    return _defaults(table) | values


_KNOWN: dict[str, dict[str, Any]] = {}


def _defaults(table: Any) -> dict[str, Any]:
    if table.__tablename__ not in _KNOWN:
        columns = table.__table__.columns
        told = {one.key: one.default.arg for one in columns if one.default is not None}
        _KNOWN[table.__tablename__] = {
            one.key: (told.get(one.key) if not callable(told.get(one.key)) else {}) for one in columns
        }
    return _KNOWN[table.__tablename__]


# --- into the database ---------------------------------------------------------------------------


def _tables(game: _Game, sums: Sums) -> Iterator[tuple[Any, Iterable[dict[str, Any]]]]:
    yield store.User, game.users()
    yield store.Upload, game.uploads()
    yield store.RideRow, game.rides()
    race = {
        "id": RACE,
        "slug": "race",
        "name_es": "Carrera",
        "name_en": "Race",
        "state": "open",
        "made_s": 0.0,
    }
    yield store.Campaign, [_row(store.Campaign, **race)]
    yield store.Team, game.teams()
    yield store.Member, game.members()
    yield store.LedgerRow, game.lines(sums)
    yield store.Sum, _sum_rows(sums)
    yield store.TeamSum, game.team_sums(sums)
    yield store.Mark, game.marks()
    yield store.Observation, game.observations()


def _load_sqlite(engine: sa.Engine, game: _Game, sums: Sums) -> None:
    """Rows first, indexes after: the way a restored copy is filled, too."""
    raw = engine.raw_connection()
    cursor = raw.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.execute("PRAGMA synchronous=OFF")
    kept = cursor.execute(
        "SELECT name, sql FROM sqlite_master WHERE type='index' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in kept:
        cursor.execute(f'DROP INDEX "{name}"')
    for table, rows in _tables(game, sums):
        _insert(cursor, table, rows)
    cursor.execute("BEGIN")
    for _, sql in kept:
        cursor.execute(sql)
    cursor.execute("COMMIT")
    cursor.execute("ANALYZE")
    raw.invalidate()


def _insert(cursor: Any, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    names = [column.key for column in table.__table__.columns]
    marks = ", ".join("?" * len(names))
    sql = f"INSERT INTO {table.__tablename__} ({', '.join(names)}) VALUES ({marks})"
    cursor.execute("BEGIN")
    cursor.executemany(sql, ([_cell(row[name]) for name in names] for row in rows))
    cursor.execute("COMMIT")
    print(f"  {table.__tablename__} written", flush=True)


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _load_postgres(engine: sa.Engine, game: _Game, sums: Sums) -> None:
    """By COPY, the fastest way in."""
    for table, rows in _tables(game, sums):
        names = [column.key for column in table.__table__.columns]
        raw = engine.raw_connection()
        sql = f"COPY {table.__tablename__} ({', '.join(names)}) FROM STDIN"
        with raw.driver_connection.cursor() as cursor, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row([_cell(row[name]) for name in names])
        raw.commit()
        raw.close()
        print(f"  {table.__tablename__} written", flush=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


# --- the figures ---------------------------------------------------------------------------------


def _measure(url: str, folder: Path) -> None:
    """Each figure in ms: half of the requests and 95 of 100 stay below, of wall clock and of CPU."""
    from webapp import create_app
    from webapp.settings import Settings

    app = create_app(Settings(url, str(folder / "archive"), "benchmark" * 4))
    gc.collect()
    gc.freeze()  # as the service does
    engine = app.extensions["transitmap_engine"]
    bare = _told("bare query of 50 lines with names", lambda: _bare_page(engine))
    browsers = {"visitor": app.test_client(), "rider in the middle": _log_in(app, _rider_at(engine, 0.5))}
    for who, browser in browsers.items():
        for query in (
            "period=week",
            "period=campaign",
            "period=all",
            "who=teams",
            "period=campaign&who=teams",
        ):
            _told(f"page {query}, {who}", lambda b=browser, q=query: _get(b, f"/standings/?{q}"), bare)
        _told(f"page of teams to join, {who}", lambda b=browser: _get(b, "/teams/"), bare)
        _told(f"page of teams by a name, {who}", lambda b=browser: _get(b, "/teams/?name=12"), bare)
        _told(f"page about the campaign, {who}", lambda b=browser: _get(b, "/campaigns/race/"), bare)
    _told("JSON of 50", lambda: _get(browsers["visitor"], "/api/v1/standings?period=campaign"), bare)
    rider = _rider_at(engine, 0.5)
    for n_routes in (25, 5):
        near = store.BoardScope(RACE, 0, frozenset(f"R{n}" for n in range(n_routes)))
        _told(
            f"board of {n_routes} of {N_ROUTES} routes, no HTTP",
            lambda s=near: _near(engine, s, rider),
            bare,
            20,
        )
    _measure_awards(engine, Archive(str(folder / "archive")))
    engine.dispose()


def _measure_awards(engine: sa.Engine, archive: Archive) -> None:
    """A ride awarded, alone and with what is looked at before it."""
    numbers = itertools.count(int(time.time()) % 10**7)  # days and people of no earlier run
    bare = _told("bare inserts of an award's rows", lambda: _bare_award(engine, next(numbers)), n=50)
    _told("award of a ride of 120 segments", lambda: _award(engine, next(numbers)), bare, 50)
    parties = itertools.cycle(_parties(engine, archive))
    _told(
        "award with all of the examination before it, four candidates",
        lambda: _award(engine, next(numbers), _looked(engine, archive, *next(parties))),
        bare,
        50,
    )
    _told(
        "of that, while the ledger is locked",
        lambda *looked: _award(engine, next(numbers), looked),
        bare,
        50,
        lambda: _looked(engine, archive, *next(parties)),
    )
    _told("candidates by a ride's marks alone", lambda: _sharing(engine, next(parties)[0]), bare, 50)


def _told(
    what: str,
    act: Callable[..., object],
    bare_ms: float = 0.0,
    n: int = 100,
    ready: Callable[[], tuple[Any, ...]] = tuple,
) -> float:
    """Prints how long an act takes on what was made `ready` for it; the median, of wall clock."""
    for _ in range(min(n, 5)):
        act(*ready())
    walls_ms, cpus_ms = [], []
    for _ in range(n):
        given = ready()
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        act(*given)
        walls_ms.append(1000 * (time.perf_counter() - began_s))
        cpus_ms.append(1000 * (time.process_time() - began_cpu_s))
    p50, p95 = statistics.median(walls_ms), sorted(walls_ms)[math.ceil(0.95 * n) - 1]
    ratio = f", {p50 / bare_ms:.0f} x bare" if bare_ms else ""
    print(
        f"{what}: p50 {p50:.1f} ms, p95 {p95:.1f} ms, CPU {statistics.median(cpus_ms):.1f} ms{ratio}",
        flush=True,
    )
    return p50


def _bare_page(engine: sa.Engine) -> list[Any]:
    sql = (
        "SELECT u.name, s.millipoints, s.verified_millipoints, s.n_rides FROM sums s JOIN users u ON u.id = "
        f"s.user_id WHERE s.campaign_id = {RACE} AND s.period = 0 ORDER BY s.millipoints DESC LIMIT 50"
    )
    with engine.connect() as connection:
        return list(connection.exec_driver_sql(sql))


def _rider_at(engine: sa.Engine, share: float) -> int:
    """The rider who has this share of a board before."""
    with store.session(engine, write=False) as session:
        own = store.Sum.campaign_id == RACE, store.Sum.period == 0
        n = session.scalar(sa.select(sa.func.count()).select_from(store.Sum).where(*own)) or 0
        at = sa.select(store.Sum.user_id).where(*own).order_by(store.Sum.millipoints.desc())
        return session.scalars(at.offset(int(n * share)).limit(1)).one()


def _log_in(app: Any, user_id: int) -> Any:
    """A browser with the cookie of somebody who logged in."""
    with store.session(app.extensions["transitmap_engine"]) as session:
        login = store.open_login(session, user_id, time.time())
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["_user_id"] = f"{login}.{hashlib.sha256(b'').hexdigest()[:16]}"
    return browser


def _get(browser: Any, path: str) -> None:
    answer = browser.get(path)
    if answer.status_code != 200 or not any(one in answer.text for one in ("Persona", "Equipo", "Carrera")):
        raise SystemExit(f"{path}: {answer.status_code}")


def _near(engine: sa.Engine, scope: store.BoardScope, user_id: int) -> None:
    with store.session(engine, write=False) as session:
        store.board_page(session, scope, user_id)
        store.board_around(session, scope, user_id)


_rules = functools.cache(load_rules)


def _looked(
    engine: sa.Engine, archive: Archive, one: honest.Honest, network: Network, packed_sha256: str
) -> tuple[Archive, Look, str]:
    """A ride looked at as `contribute` does it before it locks the ledger."""
    look = prepare(one.ride, (honest.trips_of(one), 0, network), KEY, time.time())
    with store.session(engine, write=False) as session:
        upload = store.upload_by_id(session, "u1", None)
        look_ahead(session, archive, upload, [look])
    return archive, look, packed_sha256


def _award(engine: sa.Engine, number: int, looked: tuple[Archive, Look, str] | None = None) -> None:
    """A ride as `contribute` keeps it once recognised: its row, observers, score, lines, sums; durable.

    With one that was `_looked` at, what `contribute` does of that under the lock comes first.
    """
    rules, user_id = _rules(), 1 + number * 37 % 1_000
    segments = _segments(number)
    with store.session(engine) as session:
        store.lock_ledger(session)
        sequence = store.next_ride_sequence(session)
        row = store.RideRow(**_ride(f"b{sequence}", user_id, sequence, time.time(), "R7"))
        found = None
        if looked is not None:
            archive, look, row.packed_sha256 = looked
            found = look_at(session, archive, store.upload_by_id(session, row.upload_id, None), look)
        store.add_rides(session, [row])
        if found is not None:
            keep_findings(session, row.id, found, time.time())
        before = store.observers(session, NETWORK, segments.segment.tolist())
        left = rules.max_millipoints_per_day - store.worth_of_day(session, user_id, int(time.time() // DAY_S))
        result = score(segments, user_id, before, rules, "R7", Terms(left_millipoints=left))
        store.add_observations(session, NETWORK, result.observed, before)
        now = {"created_s": time.time()}
        store.add_lines(session, [one | now for one in ledger_lines(result, row, rules, RACE)])


def _sharing(engine: sa.Engine, one: honest.Honest) -> None:
    marks = marks_of(one.ride.fixes, KEY)
    with store.session(engine, write=False) as session:
        store.rides_at(session, candidates(store.sharing(session, marks.asked.tolist()), marks.n_least))


def _parties(engine: sa.Engine, archive: Archive) -> list[tuple[honest.Honest, Network, str]]:
    """Rides to be looked at, each with four others of its vehicle in the database before it.

    Each mark of the four is kept with some rides of other vehicles, too: a busy street.
    """
    city, network = honest.town(0, 3)
    dice, asked = np.random.default_rng(int(time.time())), list[tuple[honest.Honest, Network, str]]()
    with store.session(engine) as session:
        for number in range(N_PARTIES):
            day, names = int(dice.integers(0, 9_000)), [f"{number}-{k}" for k in range(5)]
            *before, last = honest.company(city, number % len(city.patterns), day, 8.0, names, 0.5, dice)
            for one in before:
                _keep_with_marks(session, archive, one.ride)
            asked.append((last, network, archive.put(pack_ride(last.ride))))
    return asked


def _keep_with_marks(session: Any, archive: Archive, ride: Ride) -> None:
    """A ride with its fixes and marks; others of the street have some of these that are new, too.

    Those others may be among the candidates: they have fixes, whichever.
    """
    sequence, packed = store.next_ride_sequence(session), archive.put(pack_ride(ride))
    columns = _ride(f"b{sequence}", 1 + sequence % 1_000, sequence, float(ride.fixes.time_s[0]), "R7")
    store.add_rides(session, [store.RideRow(**columns | {"packed_sha256": packed})])
    kept = marks_of(ride.fixes, KEY).kept.tolist()
    known = set(session.scalars(sa.select(store.Mark.band).where(store.Mark.band.in_(kept))))
    store.add_marks(session, f"b{sequence}", kept)
    new = sorted(set(kept) - known)
    others = [f"r{sequence * N_ON_THE_STREET % N_STREET_RIDES + at}" for at in range(N_ON_THE_STREET)]
    for at, other in enumerate(others):
        store.add_marks(session, other, new[at % MARKS_AS_FEW :: MARKS_AS_FEW])
    on_it = store.RideRow.id.in_(others)
    session.execute(sa.update(store.RideRow).where(on_it).values(packed_sha256=packed))


def _segments(number: int) -> Segments:
    """A ride along one route: places that 12 people know, on a day of its own."""
    n, way = SEGMENTS_A_WAY, number % (N_ROUTES * 2)
    column = np.full(n, 0, dtype=np.int64)
    segment = column + way * n + np.arange(n) + 10**6 * (number % 2)  # every second one is new ground
    return Segments(
        column, column, column, segment, column + 20_500 + number, column + 100_000, column + 93_000
    )


def _ride(ride_id: str, user_id: int, sequence: int, started_s: float, route_id: str) -> dict[str, Any]:
    return _row(store.RideRow, sequence=sequence, id=ride_id, upload_id=f"u{user_id}", ordinal=sequence,
                user_id=user_id, name="a.gpx", n_fixes=900, dropped={}, warnings=[], mode="bus", stretch={},
                started_s=started_s, distance_m=12e3, packed_sha256="0" * 64, route_id=route_id,
                network_version=NETWORK)  # fmt: skip


def _bare_award(engine: sa.Engine, number: int) -> None:
    """The same rows without a chain, a score or an object for each: what the disk and the database ask."""
    segments, user_id = _segments(number), 1 + number * 37 % 1_000
    with engine.execution_options(is_writer=True).begin() as connection:
        sequence = 1 + int(connection.scalar(sa.select(sa.func.max(store.RideRow.sequence))) or 0)
        last = int(connection.scalar(sa.select(sa.func.max(store.LedgerRow.sequence))) or 0)
        ride = _ride(f"b{sequence}", user_id, sequence, time.time(), "R7")
        connection.execute(sa.insert(store.RideRow), [ride])
        line = _line(0, user_id, RACE, 0, 4_000, time.time()) | {"ride_id": ride["id"], "key": ride["id"]}
        connection.execute(sa.insert(store.LedgerRow), [line | {"sequence": last + 1, "sha256": "0" * 64}])
        own = store.Sum.campaign_id == RACE, store.Sum.user_id == user_id, store.Sum.period == 0
        points = {"millipoints": store.Sum.millipoints + 1_000}
        connection.execute(sa.update(store.Sum).where(*own).values(points))
        rows = [
            _row(
                store.Observation,
                network_version="bare",
                segment=one,
                user_id=10**6 + number,
                day=number,
                place=0,
            )
            for one in segments.segment.tolist()
        ]
        connection.execute(sa.insert(store.Observation), rows)


if __name__ == "__main__":
    sys.exit(main())
