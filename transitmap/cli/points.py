"""The ledger: computed again, tried under other rules, written down and checked; and what the map lacks."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from transitmap.cli.opened import city_timezone, opened, user_named
from transitmap.cli.options import ARCHIVE, CONFIG, DATABASE, FILE, JSON, OUT_FILE, server_config


@click.group()
def points() -> None:
    """The ledger of points: shown, computed again, checked, tried under other rules."""


@points.command("simulate")
@click.option("--rules", "rules_path", type=FILE, required=True, help="Other rules, as points/rules.toml.")
@DATABASE
@ARCHIVE
@CONFIG
@JSON
def simulate_rules(
    rules_path: Path, database_url: str, archive_url: str, config_path: Path | None, as_json: bool
) -> None:
    """Who would have gained and lost under other rules; changes nothing."""
    from transitmap.archive import Archive
    from transitmap.points.rules import load_rules
    from transitmap.simulate_rules import preview

    rules, config = load_rules(rules_path), server_config(config_path)
    with opened(database_url, write=False) as session:
        changes = preview(session, Archive(archive_url), config, rules)
    if as_json:
        click.echo(json.dumps({"rules_version": rules.version, "riders": [asdict(one) for one in changes]}))
        return
    for one in changes:
        points = (
            f"{one.before / 1000:10.1f} {one.after / 1000:10.1f} {(one.after - one.before) / 1000:+10.1f}"
        )
        click.echo(f"{points}  {one.name or one.user_id}")
    gain, lose = (sum(sign * (one.after - one.before) > 0 for one in changes) for sign in (1, -1))
    click.echo(f"{len(changes)} riders under rules {rules.version}: {gain} gain, {lose} lose")


@points.command()
@DATABASE
@ARCHIVE
@CONFIG
@JSON
def replay(database_url: str, archive_url: str, config_path: Path | None, as_json: bool) -> None:
    """Recomputes every award from the raw uploads; exit 1 where the ledger differs."""
    from transitmap import store
    from transitmap.archive import Archive
    from transitmap.points.rules import load_rules
    from transitmap.replay import replay as differences

    with opened(database_url, write=False) as session:
        found = differences(session, Archive(archive_url), server_config(config_path), load_rules())
        n_lines, n_erased = len(store.ledger_rows(session)), store.n_erased_lines(session)
        expired = store.expired_uploads(session)
    if as_json:
        told = {"lines": n_lines, "erased_lines": n_erased, "past_retention": expired}
        click.echo(json.dumps({**told, "differences": [asdict(one) for one in found]}, default=str))
    else:
        for one in found:
            click.echo(f"{one.ride_id} {one.what}: ledger {one.recorded}, recomputed {one.recomputed}")
        for upload_id in expired:
            click.echo(f"{upload_id} past retention: recomputed from its clean positions, not from raw")
        rest = f"{n_erased} of them of people who were erased, left as they are" if n_erased else ""
        click.echo(", ".join(filter(None, (f"{n_lines} ledger lines", rest, f"{len(found)} differences"))))
    sys.exit(1 if found else 0)


@points.command()
@click.option("--since", "since_s", default=0.0, help="Unix time from which points count.")
@DATABASE
@JSON
def standings(since_s: float, database_url: str, as_json: bool) -> None:
    """The board: rank, pseudonym, points."""
    from transitmap import store
    from transitmap.cells import plain_cell
    from transitmap.points.standings import board

    with opened(database_url, write=False) as session:
        places = board(store.standings_rows(session, since_s))
    rows = [{"rank": p.rank, "name": p.name, "points": p.millipoints / 1000} for p in places]
    if as_json:
        click.echo(json.dumps(rows))
        return
    if not rows:
        click.echo("0 lines: nobody has points", err=True)
    table = csv.writer(sys.stdout)
    table.writerows([row["rank"], plain_cell(str(row["name"])), row["points"]] for row in rows)


@points.command("detectors")
@DATABASE
@JSON
def list_detectors(database_url: str, as_json: bool) -> None:
    """What each detector found, what people said of it, and whether that is enough to let it withhold."""
    from transitmap import detectors
    from transitmap.points.rules import load_rules

    with opened(database_url, write=False) as session:
        told = detectors.tally(session, load_rules(), time.time())
    rows = [asdict(one) | {"most_wrong": one.most_wrong, "verdict": one.verdict} for one in told.detectors]
    if as_json:
        click.echo(json.dumps({**asdict(told), "detectors": rows}))
        return
    table = csv.DictWriter(sys.stdout, list(rows[0]))
    table.writeheader()
    table.writerows(row | {"shadow_in": " ".join(row["shadow_in"])} for row in rows)


@points.command("plant")
@click.argument("kind", type=click.Choice(["fare", "route_name", "step_free", "stop_name"]))
@click.argument("about")
@click.argument("answer")
@click.option("--by", required=True, help="Who of the staff knows it.")
@DATABASE
@ARCHIVE
@CONFIG
def plant_check(
    kind: str,
    about: str,
    answer: str,
    by: str,
    database_url: str,
    archive_url: str,
    config_path: Path | None,
) -> None:
    """Notes a known ANSWER (7.50, a name, yes, no) ABOUT a route_id or stop_id; riders' words are weighed."""
    from transitmap import decided, store

    told = _in_centavos(answer) if kind == "fare" else answer
    with opened(database_url) as session:
        staff, feed = user_named(session, by), store.latest_feed(session)
        if staff.role == "rider":
            raise click.UsageError(f"{staff.name} must be of the staff")
        known = () if feed is None else feed.ids["route_id" if kind in ("fare", "route_name") else "stop_id"]
        if about not in known:
            raise click.UsageError(f"{about}: no such id in the feed that holds")
        timezone = city_timezone(session, archive_url, server_config(config_path))
        decided.plant_check(session, kind, about, told, staff.id, time.time(), timezone)
    click.echo(f"{kind} of {about}: {answer}")


def _in_centavos(amount: str) -> str:
    """An amount as 7.50 in whole centavos, or bad usage."""
    from decimal import Decimal, InvalidOperation

    wrong = click.UsageError(f"{amount}: must be an amount like 7.50")
    try:
        centavos = 100 * Decimal(amount)
        if centavos < 0 or centavos != int(centavos):
            raise wrong
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise wrong from error
    return str(int(centavos))


@points.command("missions")
@click.option("--make", is_flag=True, help="Look for gaps first, as a publication does.")
@click.option("--seeds", is_flag=True, help="What the checks among ended missions were drawn from.")
@DATABASE
@ARCHIVE
@CONFIG
@JSON
def list_missions(
    make: bool, seeds: bool, database_url: str, archive_url: str, config_path: Path | None, as_json: bool
) -> None:
    """What the map lacks most, and how many rides the city lacks.

    A line an open mission, worth most first: id, route, name, where to, direction, part of the day, how many
    rides it needs, by how much it multiplies, and why."""
    from transitmap import missions
    from transitmap.archive import Archive
    from transitmap.points.rules import load_rules

    now_s = time.time()
    with opened(database_url, write=make) as session:
        made = None
        if make:
            config = server_config(config_path)
            made = missions.refresh_now(session, Archive(archive_url), config, load_rules(), now_s)
        rows, known = missions.told(session, now_s), missions.coverage(session)
        told = missions.ended_seeds(session, Archive(archive_url)) if seeds else []
    if as_json:
        click.echo(json.dumps({"missions": rows, "forecasts": known.get("forecasts", []), "seeds": told}))
        return
    if made:
        click.echo(
            f"{made.n_gaps} gaps: {made.n_made} made, {made.n_done} done, {made.n_closed} closed", err=True
        )
    for number, seed, sha256 in told:
        click.echo(f"feed {number}: seed {seed} of sha256 {sha256}")
    if not seeds:
        _tell_missions(rows, known.get("forecasts", []))


def _tell_missions(rows: Sequence[dict[str, Any]], forecasts: Sequence[dict[str, Any]]) -> None:
    from transitmap.cells import plain_cell

    table = csv.writer(sys.stdout)
    for row in rows:
        named = [plain_cell(str(row[name])) for name in ("route_id", "name", "headsign")]
        asked = [row["direction_id"], row["day_part"], row["n_needed"], row["bonus"], row["why"]]
        table.writerow([row["id"], *named, *asked])
    if not rows:
        click.echo("0 missions are open", err=True)
    for one in forecasts:
        low, high = ("?" if one[name] is None else one[name] for name in ("low", "high"))
        share = one["target_permille"] / 10
        click.echo(f"{share:.0f} % of {one['n_cells']} cells: {low} to {high} more rides (80 %)", err=True)


@points.command("export")
@click.argument("out", type=OUT_FILE)
@DATABASE
def export_points(out: Path, database_url: str) -> None:
    """Writes the books: every line and its seal, sums, rules and prizes, in a zip that anybody can check."""
    from transitmap import store
    from transitmap.books.export import export_books

    store.check_there(database_url)
    written = export_books(database_url, out, time.time())
    click.echo(f"{out}: {written.n_lines} lines; publish the last seal: {written.head}")


@points.command("verify")
@click.argument("books", type=click.Path(True, dir_okay=False, path_type=Path))
@click.option("--seal", "seals", multiple=True, help="A seal that was published: a line must have it.")
@JSON
def verify_points(books: Path, seals: tuple[str, ...], as_json: bool) -> None:
    """Checks books with nothing else: chain, keys, sums, prizes; exit 1 where something was changed."""
    from transitmap.books.verify import verify_books

    found = verify_books(books, seals)
    if as_json:
        told = {"lines": found.n_lines, "head": found.head, "flaws": found.n_flaws}
        click.echo(json.dumps({**told, "first_flaws": [asdict(one) for one in found.flaws]}))
    else:
        for one in found.flaws:
            click.echo(f"{one.code} {one.where}: {one.detail}")
        click.echo(f"{books}: {found.n_lines} lines, {found.n_flaws} flaws, last seal {found.head}")
    sys.exit(1 if found.n_flaws else 0)
