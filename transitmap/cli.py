"""The engine's door: one verb a stage group. Exit 0 done, 1 findings, 2 bad usage."""

from __future__ import annotations

import csv
import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from transitmap import __version__
from transitmap.errors import TransitmapError

if TYPE_CHECKING:
    from transitmap.build import Built
    from transitmap.config import Config
    from transitmap.gtfs.diff import Comparison
    from transitmap.model import Notice

FILE = click.Path(path_type=Path)


class OutFile(click.Path):
    """A file to write: that its folder is there is asked before the work, not after it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or bad usage."""
        path: Path = Path(value)
        super().convert(value, param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {path.parent} to write {path.name} in", param, ctx)
        return path


OUT_FILE = OutFile(dir_okay=False, writable=True, path_type=Path)
RIDES = click.argument(
    "inputs", metavar="RIDES...", nargs=-1, required=True, type=click.Path(True, path_type=Path)
)
CONFIG = click.option(
    "--config", "config_path", envvar="TRANSITMAP_CONFIG", type=FILE, help="Settings of the campaign (TOML)."
)
JSON = click.option("--json", "as_json", is_flag=True, help="A summary that programs can read.")
JOBS = click.option(
    "--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes that work."
)
DATABASE = click.option(
    "--database-url",
    envvar="TRANSITMAP_DATABASE_URL",
    default="sqlite:///var/transitmap.sqlite",
    show_default=True,
    help="Where people, uploads and points are.",
)
ARCHIVE = click.option(
    "--archive-url",
    envvar="TRANSITMAP_ARCHIVE_URL",
    default="var/archive",
    show_default=True,
    help="Where raw uploads are: a folder, or what fsspec reads.",
)


class Verbs(click.Group):
    """Verbs whose refusals are a sentence on standard error and exit 2, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a verb."""
        try:
            return super().invoke(ctx)
        except (TransitmapError, OSError) as error:
            click.echo(f"transitmap: {error}", err=True)
            ctx.exit(2)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option("-v", "--verbose", is_flag=True, help="A line a stage on standard error.")
def main(verbose: bool) -> None:
    """Riders' GPS traces in; stops, routes, a GTFS feed and a fair leaderboard out."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(name)s: %(message)s", stream=sys.stderr)


@main.command()
@RIDES
@click.option("--out", required=True, type=OUT_FILE, help="The feed to write (zip).")
@click.option("--report", type=OUT_FILE, help="A row for every ride: used or ignored, and why (CSV).")
@click.option("--evidence", type=OUT_FILE, help="What all that is published rests on (.csv or .geojson).")
@click.option("--streets", type=FILE, help="An OpenStreetMap extract that shapes follow where it fits.")
@click.option("--reference", type=click.Path(True, path_type=Path), help="The city's feed, whose ids hold.")
@click.option(
    "--reference-report", type=OUT_FILE, help="What riders saw otherwise: text, or JSON or CSV by suffix."
)
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The day the feed is made, else today.")
@CONFIG
@JOBS
@JSON
def build(
    inputs: tuple[Path, ...],
    out: Path,
    report: Path | None,
    evidence: Path | None,
    streets: Path | None,
    reference: Path | None,
    reference_report: Path | None,
    today: Any,
    config_path: Path | None,
    jobs: int,
    as_json: bool,
) -> None:
    """Rides (files, folders, zips) to a GTFS feed. No database is needed."""
    from transitmap.build import build_feed
    from transitmap.pipeline import official_tables
    from transitmap.streets import read_streets

    config = _referring(_config(config_path), reference)
    official = official_tables(config)
    if reference_report and official is None:
        raise click.UsageError("without a --reference there is nothing to report on")
    with _progress(not as_json) as progress:
        built = build_feed(
            inputs,
            config,
            today and today.date(),
            jobs,
            progress,
            read_streets(streets) if streets else None,
            official,
        )
    _write_beside(built, report, evidence, reference_report, config.feed.lang)
    summary = built.summary()
    if not summary["patterns"]:
        kept = f"; {out} is left as it was (from an earlier build)" if out.exists() else ""
        told = f"transitmap: no feed written: {_story(summary)}{kept}"
        click.echo("\n".join([told, *_held(summary)]), err=True)
        sys.exit(1)
    _write_whole(out, built.feed.zip_bytes)
    verdict = f"{out}: {_story(summary)}; {_verdict(summary, built.feed.notices)}"
    if as_json:
        click.echo(json.dumps(summary))
    if summary["errors"] or not as_json:
        click.echo("\n".join([verdict, *_held(summary)]), err=as_json)
    sys.exit(1 if summary["errors"] else 0)


def _write_beside(
    built: Built, report: Path | None, evidence: Path | None, reference_report: Path | None, lang: str
) -> None:
    """What was asked for beside the feed."""
    if report:
        report.write_text(built.report_csv, encoding="utf-8")
    if evidence:
        evidence.write_bytes(built.evidence(evidence.name))
    if reference_report and built.feed.seen:
        told = _seen(built.feed.seen, reference_report.suffix.lower(), lang)
        reference_report.write_text(told, encoding="utf-8", newline="")


def _referring(config: Config, reference: Path | None) -> Config:
    """The settings with another official feed, where one is given."""
    from transitmap.config import override

    return override(config, {"reference": {"feed": str(reference)}}) if reference else config


def _seen(seen: Comparison, suffix: str, lang: str) -> str:
    """What riders saw otherwise than the official feed has it, in the format that a file's suffix names."""
    from transitmap.gtfs.diff import describe_seen, seen_as_csv, seen_as_json

    if suffix == ".json":
        return json.dumps(seen_as_json(seen), ensure_ascii=False, indent=1)
    return seen_as_csv(seen) if suffix == ".csv" else "\n".join([*describe_seen(seen, lang), ""])


def _story(summary: dict[str, Any]) -> str:
    """What came of the files, in a sentence."""
    ignored = ", ".join(f"{n} {reason}" for reason, n in summary["ignored"].items()) or "none"
    return (
        f"{summary['files']} files, {summary['rides']} rides, {summary['used']} used "
        f"({summary['no_pattern']} of no known pattern), ignored: {ignored}; "
        f"{summary['stops']} stops, {summary['routes']} routes, {summary['patterns']} patterns"
        + "".join(
            f"; {both} of {official} official {kind}s"
            for kind, (_, official, both) in summary.get("official", {}).items()
        )
    )


def _held(summary: dict[str, Any]) -> list[str]:
    """What was held back, a sentence a kind."""
    return [f"  {held['text_en']}" for held in summary["held_back"]]


def _verdict(summary: dict[str, Any], notices: Sequence[Notice]) -> str:
    """What the rules say of a feed that was written, with the first three that forbid to publish it."""
    counts = f"{summary['errors']} errors, {summary['warnings']} warnings"
    broken = list(dict.fromkeys(notice.rule for notice in notices if notice.severity == "error"))
    return f"{counts}; it must not be published: {', '.join(broken[:3])}" if broken else counts


def _write_whole(path: Path, body: bytes) -> None:
    """Writes a file so that its name never stands for half of it; a device (/dev/null) stays a device."""
    import os

    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(body)
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(body)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@main.command()
@click.argument("feed", type=click.Path(True, path_type=Path))
@click.option("--out", required=True, type=OUT_FILE, help="The feed of single departures to write (zip).")
def expand(feed: Path, out: Path) -> None:
    """A feed of headways as one of single departures, which nobody promised, for older consumers."""
    from transitmap.gtfs.feed import expand as expanded
    from transitmap.gtfs.pack import pack
    from transitmap.gtfs.read import read_tables

    tables = read_tables(feed)
    departures = expanded(tables)
    _write_whole(out, pack(departures))
    n_windows = len(tables.get("frequencies.txt", {}).get("trip_id", []))
    click.echo(f"{out}: {n_windows} windows are {len(departures['trips.txt']['trip_id'])} departures")


@main.command()
@RIDES
@click.option("--out", required=True, type=OUT_FILE, help="The table to write (CSV).")
@CONFIG
@JOBS
def legs(inputs: tuple[Path, ...], out: Path, config_path: Path | None, jobs: int) -> None:
    """Rides cut where the way of moving changes: one row a leg (ride,start,end,mode)."""
    from transitmap.build import collect_files
    from transitmap.infer.legs import split_legs
    from transitmap.report import legs_table

    config = _config(config_path)
    with _progress(True) as progress:
        rides, refusals, _ = collect_files(inputs, config, jobs, progress)
    found = split_legs(rides, config.legs)
    out.write_text(legs_table(rides, found), encoding="utf-8")
    click.echo(f"{out}: {len(rides)} rides, {len(found)} legs, {len(refusals)} files refused")


@main.command()
@click.argument("feed", type=click.Path(True, path_type=Path))
@click.option("--country", default="", help="ISO 3166 code, for the rules on telephone numbers.")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The day to take for today.")
@click.option("--lang", type=click.Choice(["es", "en"]), help="Say in words what each rule means.")
@JSON
def validate(feed: Path, country: str, today: Any, lang: str | None, as_json: bool) -> None:
    """Our own rules, the canonical ones and gtfs-analyzer's; exit 1 where one finds an error or a warning."""
    import datetime
    from dataclasses import asdict

    from transitmap.gtfs.read import read_tables
    from transitmap.gtfs.validate import analyzer, canonical
    from transitmap.gtfs.validate import validate as own
    from transitmap.gtfs.validate.words import explain

    day = today.date() if today else datetime.datetime.now(datetime.UTC).date()
    notices = [*own(read_tables(feed), day), *canonical(feed, day, country), *analyzer(feed, day)]
    if as_json:
        click.echo(json.dumps([asdict(notice) for notice in notices]))
    else:
        for notice in notices:
            click.echo(f"{notice.severity} {notice.rule} {notice.file}:{notice.row} {notice.message}")
        for rule in dict.fromkeys(notice.rule for notice in notices if lang):
            click.echo(f"{rule}: {' '.join(explain(rule, lang or ''))}")
        click.echo(f"{feed}: {len(notices)} notices")
    sys.exit(1 if any(notice.severity in ("error", "warning") for notice in notices) else 0)


@main.command()
@click.argument("feed", type=click.Path(True, path_type=Path))
@click.argument("reference", required=False, type=click.Path(True, path_type=Path))
@click.option(
    "--report", type=click.Path(True, path_type=Path), help="What `build` said of every ride (CSV)."
)
@click.option("--truth", type=click.Path(True, path_type=Path), help="What every ride was (CSV).")
@click.option("--picture", type=OUT_FILE, help="A map to write: found, missed, invented (SVG).")
@CONFIG
@JSON
def evaluate(
    feed: Path,
    reference: Path | None,
    report: Path | None,
    truth: Path | None,
    picture: Path | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """A feed against a reference: any GTFS feed, or the folder of a simulated truth. Alone, only a map."""
    from transitmap.evaluate import describe, draw_evaluation, draw_feed, evaluate, read_feed_map

    lang = _config(config_path).feed.lang
    if reference is None:
        if picture is None or report or truth:
            raise click.UsageError("without a REFERENCE there is nothing to score, only a --picture to draw")
        picture.write_text(draw_feed(read_feed_map(feed)[0], lang), encoding="utf-8")
        return
    found = evaluate(feed, reference, report, truth)
    if picture:
        picture.write_text(draw_evaluation(found, lang), encoding="utf-8")
    if as_json:
        routes = [row._asdict() | {"state": row.state} for row in found.routes]
        click.echo(json.dumps(found.figures | {"route_table": routes, "invented": found.invented}))
    else:
        click.echo("\n".join(describe(found)))


@main.command("diff")
@click.argument("old", type=click.Path(True, path_type=Path))
@click.argument("new", type=click.Path(True, path_type=Path))
@click.option("--lang", type=click.Choice(["es", "en"]), help="The language, else the campaign's.")
@click.option("--geojson", type=OUT_FILE, help="The changes on a map to write (GeoJSON).")
@CONFIG
@JSON
def diff_feeds(
    old: Path, new: Path, lang: str | None, geojson: Path | None, config_path: Path | None, as_json: bool
) -> None:
    """What changed from one feed to another; exit 0 where nothing did for those who ride, else 1."""
    from transitmap.gtfs import diff as stage
    from transitmap.gtfs.read import read_tables

    config = _config(config_path)
    lang = lang or config.feed.lang
    found = stage.diff(read_tables(old), read_tables(new), config.diff)
    if geojson:
        geojson.write_text(json.dumps(stage.as_geojson(found, lang), ensure_ascii=False), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(stage.as_json(found)))
    else:
        click.echo("\n".join(stage.describe(found, lang)))
    sys.exit(1 if found.changes else 0)


@main.command()
@click.argument("feed", type=click.Path(True, path_type=Path))
@click.option("--to", required=True, type=OUT_FILE, help="The file to write; its suffix tells the format.")
@click.option("--format", "kind", default="", help="The format, where the suffix does not tell it.")
@click.option(
    "--evidence", type=click.Path(True, path_type=Path), help="What `build --evidence` wrote (CSV)."
)
@click.option("--layer", default="", help="One layer: stops, patterns, routes, calls, headways, evidence.")
@click.option("--lang", default="", type=click.Choice(["", "es", "en"]), help="Language, else the feed's.")
def export(feed: Path, to: Path, kind: str, evidence: Path | None, layer: str, lang: str) -> None:
    """A feed as GeoJSON, CSV, GeoPackage, GeoParquet, GPX, KML, OSM XML, timetables, diagrams or a map."""
    from transitmap.gtfs.export import export_feed, format_of
    from transitmap.gtfs.read import read_tables

    kind = kind or format_of(to.name)
    told = evidence.read_text(encoding="utf-8") if evidence else ""
    body = export_feed(read_tables(feed), kind, told, layer, lang)
    _write_whole(to, body)
    click.echo(f"{to}: {kind}, {len(body):,} bytes")


@main.command()
@click.argument("folder", type=FILE)
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same city and rides.")
@click.option(
    "--rides", "n_rides", default=400, show_default=True, type=click.IntRange(1), help="How many recordings."
)
@click.option(
    "--riders", "n_riders", default=60, show_default=True, type=click.IntRange(1), help="By how many people."
)
@click.option("--days", default=14, show_default=True, type=click.IntRange(1), help="In how many days.")
@click.option(
    "--routes", "n_routes", default=7, show_default=True, type=click.IntRange(1), help="Routes of the city."
)
@click.option(
    "--mode",
    default="commuter",
    show_default=True,
    type=click.Choice(["commuter", "campaign"]),
    help="Partial rides, or from terminal to terminal.",
)
@click.option(
    "--labels",
    "label_share",
    default=0.6,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of rides somebody named.",
)
def simulate(
    folder: Path,
    seed: int,
    n_rides: int,
    n_riders: int,
    days: int,
    n_routes: int,
    mode: str,
    label_share: float,
) -> None:
    """A fictional city, its riders' traces and the truth about them, in a folder."""
    from transitmap.simulate import SimulateConfig, simulate_city, simulate_rides, write_dataset

    config = SimulateConfig(n_routes=n_routes, mode=mode, label_share=label_share)
    with _progress(True) as progress:
        progress("city", 0.05)
        city = simulate_city(seed, config)
        progress("rides", 0.1)
        write_dataset(simulate_rides(city, seed, n_rides, n_riders, days=days), folder)
        progress("done", 1.0)
    click.echo(f"{folder}: {n_rides} rides by {n_riders} riders in {days} days")


@main.command()
@DATABASE
@ARCHIVE
@CONFIG
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    envvar="PORT",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port, 0 for a free one.",
)
@click.option("--demo", is_flag=True, help="Fill an empty database with a fictional campaign first.")
@click.option("--no-work", is_flag=True, help="Leave publishing to a `transitmap work` elsewhere.")
def serve(
    database_url: str,
    archive_url: str,
    config_path: Path | None,
    host: str,
    port: int,
    demo: bool,
    no_work: bool,
) -> None:
    """The service on a port: upgrades the database, publishes new rides, answers until interrupted."""
    from transitmap import store
    from transitmap.demo import fill

    _export(database_url, archive_url, config_path)
    store.upgrade(database_url)
    if demo:
        with _progress(True) as progress:
            n_rides = fill(database_url, archive_url, _server_config(config_path), progress)
        if n_rides:
            click.echo(f"demo: a fictional town, {n_rides} rides")
    from webapp.serve import serve as serve_pages

    with _worker(not no_work):
        status = serve_pages(host, port)
    sys.exit(status)


@main.command()
@DATABASE
@ARCHIVE
@CONFIG
@click.option("--once", is_flag=True, help="Publish what is new, then stop.")
@click.option("--every", "every_s", default=60.0, show_default=True, help="Seconds between two looks.")
def work(database_url: str, archive_url: str, config_path: Path | None, once: bool, every_s: float) -> None:
    """Makes a new feed whenever new rides are in."""
    from transitmap.work import work_forever, work_once

    config = _server_config(config_path)
    if once:
        version = work_once(database_url, archive_url, config)
        click.echo(f"published {version}" if version else "nothing new")
        return
    work_forever(database_url, archive_url, config, every_s)


@main.group()
def db() -> None:
    """The database's tables."""


@db.command()
@DATABASE
def upgrade(database_url: str) -> None:
    """Brings the tables up to date; safe to repeat."""
    from transitmap import store

    store.upgrade(database_url)
    click.echo("database is up to date")


@db.command()
@click.argument("folder", type=FILE)
@click.option("--keep", default=0, type=click.IntRange(0), help="How many copies stay; 0 is all.")
@DATABASE
@ARCHIVE
def backup(folder: Path, keep: int, database_url: str, archive_url: str) -> None:
    """Copies all rows and new blobs to a folder while the service runs; exit 1 where a blob is damaged."""
    import time

    from transitmap.backup import back_up

    done = back_up(database_url, archive_url, folder, time.time(), keep)
    click.echo(f"{done.name}: {done.n_rows} rows, {done.n_blobs} blobs, {done.n_new_blobs} of them new")
    for sha256 in done.damaged:
        click.echo(f"damaged in the archive: {sha256}", err=True)
    sys.exit(1 if done.damaged else 0)


@db.command()
@click.argument("folder", type=click.Path(True, file_okay=False, path_type=Path))
@click.option("--copy", "name", default="", help="Which copy, else the newest.")
@DATABASE
@ARCHIVE
def restore(folder: Path, name: str, database_url: str, archive_url: str) -> None:
    """Fills an empty database and an archive from a copy; nobody who was erased comes back."""
    import time

    from transitmap import backup

    done = backup.restore(folder, database_url, archive_url, time.time(), name)
    told = f"{done.n_rows} rows, {done.n_blobs} blobs, {done.n_new_blobs} of them new"
    click.echo(f"{done.name}: {told}; {done.n_erased} people erased again")


ROLE = click.Choice(["rider", "reviewer", "planner", "organiser"])
BY = click.option("--by", default="", help="The organiser whose decision it is; needed once there is one.")


@main.group()
def users() -> None:
    """People."""


@users.command("add")
@click.argument("name")
@click.option("--role", default="rider", type=ROLE, help="What they may do.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@BY
@DATABASE
@ARCHIVE
@CONFIG
def add_user(
    name: str,
    role: str,
    password_stdin: bool,
    by: str,
    database_url: str,
    archive_url: str,
    config_path: Path | None,
) -> None:
    """Adds somebody. Without a password they can only send by device token."""
    import time

    from transitmap import passwords, store
    from transitmap.collect.trim import draw_m

    hashed = passwords.hash_password(sys.stdin.readline().rstrip("\n")) if password_stdin else ""
    store.upgrade(database_url)
    config = _server_config(config_path)
    with store.session(store.open_engine(database_url)) as session:
        trim_m = draw_m("usual", config.collect.trim_m)
        user = store.add_user(session, name, hashed, time.time(), trim_m=trim_m)
        if role != user.role:
            _give_role(session, user, role, by, archive_url, config)
    click.echo(f"{name}: {role}")


@users.command("role")
@click.argument("name")
@click.argument("role", type=ROLE)
@BY
@DATABASE
@ARCHIVE
@CONFIG
def change_role(
    name: str, role: str, by: str, database_url: str, archive_url: str, config_path: Path | None
) -> None:
    """Makes somebody a rider, reviewer, planner or organiser. The rides of all but riders confirm others'."""
    from transitmap import store

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url)) as session:
        user = _user(session, name)
        if role != user.role:
            _give_role(session, user, role, by, archive_url, _server_config(config_path))
    click.echo(f"{user.name}: {role}")


def _give_role(session: Any, user: Any, role: str, by: str, archive_url: str, config: Config) -> None:
    """Another role, by an organiser; by nobody alone where there is no organiser yet."""
    import time

    from transitmap import decided, store

    if not by and any(one.role == "organiser" for one in store.users(session)):
        raise click.UsageError("--by: an organiser must say so")
    organiser = _organiser(session, by).id if by else None
    decided.give_role(session, user, role, organiser, time.time(), _timezone(session, archive_url, config))


@users.command("met")
@click.argument("name")
@click.option("--by", required=True, help="Who of the staff knows the person.")
@click.option("--not", "is_not", is_flag=True, help="Take it back.")
@DATABASE
@ARCHIVE
@CONFIG
def meet_user(
    name: str, by: str, is_not: bool, database_url: str, archive_url: str, config_path: Path | None
) -> None:
    """Says that somebody of the staff knows the person of an account, which confirming on trust needs."""
    import time

    from transitmap import decided, store

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url)) as session:
        rider, staff = _user(session, name), _user(session, by)
        if staff.role == "rider" or staff.id == rider.id:
            raise click.UsageError(f"{staff.name} must be of the staff, and somebody else")
        timezone = _timezone(session, archive_url, _server_config(config_path))
        decided.say_met(session, rider.id, not is_not, staff.id, time.time(), timezone)
    click.echo(f"{rider.name}: {'not known' if is_not else 'known'}")


@users.command("export")
@click.argument("name")
@click.option("--out", required=True, type=OUT_FILE, help="The zip to write.")
@DATABASE
@ARCHIVE
def export_user(name: str, out: Path, database_url: str, archive_url: str) -> None:
    """Writes everything that is kept of somebody: what they sent byte by byte, tracks, rows."""
    import time

    from transitmap import own_data, store
    from transitmap.archive import Archive

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url), write=False) as session:
        own = own_data.gather(session, _user(session, name), time.time())
    with out.open("wb") as file:
        file.writelines(own_data.stream(Archive(archive_url), own))
    click.echo(f"{out}: {len(own.uploads)} uploads, {len(own.rides)} rides")


@users.command("erase")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask; there is no way back.")
@DATABASE
@ARCHIVE
@CONFIG
def erase_user(name: str, yes: bool, database_url: str, archive_url: str, config_path: Path | None) -> None:
    """Erases somebody: blobs, devices, sessions, name. The next feed is made without their rides."""
    import time

    from transitmap import erase, store
    from transitmap.archive import Archive

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url)) as session:
        user = _user(session, name)
        session.commit()
        if not yes:
            click.confirm(f"Erase {user.name} for good?", abort=True)
        gone = erase.erase(session, Archive(archive_url), user, _server_config(config_path), time.time())
    click.echo(f"erased: {len(gone.upload_ids)} uploads, {len(gone.ride_ids)} rides")


def _user(session: Any, name: str) -> Any:
    """The rider of that name, or bad usage."""
    from transitmap import store

    user = store.user_by_name(session, name)
    if user is None:
        raise click.UsageError(f"nobody is called {name}")
    return user


def _organiser(session: Any, name: str) -> Any:
    """The organiser of that name, or bad usage."""
    user = _user(session, name)
    if user.role != "organiser":
        raise click.UsageError(f"{user.name} is a {user.role}, not an organiser")
    return user


def _timezone(session: Any, archive_url: str, config: Config) -> str:
    """The city's clock."""
    from transitmap.archive import Archive
    from transitmap.campaigns import account

    return account.timezone_of(session, Archive(archive_url), config)


@main.group()
def tokens() -> None:
    """Device tokens: they can send rides and read nothing."""


@tokens.command("new")
@click.argument("name")
@click.option("--device", default="cli", show_default=True, help="What its owner calls the device.")
@DATABASE
def new_token(name: str, device: str, database_url: str) -> None:
    """Prints a new token of a user, and nothing else."""
    import time

    from transitmap import store

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url)) as session:
        user = store.user_by_name(session, name)
        if user is None:
            raise click.UsageError(f"nobody is called {name}")
        _, token = store.add_token(session, user, device, time.time())
    click.echo(token)


@main.group()
def feeds() -> None:
    """The versions of the published feed."""


@feeds.command("list")
@DATABASE
@ARCHIVE
@JSON
def list_feeds(database_url: str, archive_url: str, as_json: bool) -> None:
    """Every version, newest first, and what changed; exit 1 where the one that holds ends soon."""
    import datetime

    from transitmap import store, versions
    from transitmap.archive import Archive

    store.upgrade(database_url)
    today = datetime.datetime.now(datetime.UTC).date()
    with store.session(store.open_engine(database_url), write=False) as session:
        found = versions.history(session, Archive(archive_url), today)
    if as_json:
        click.echo(json.dumps(found))
    else:
        _tell_versions(found)
    sys.exit(1 if found["is_stale"] else 0)


def _tell_versions(found: dict[str, Any]) -> None:
    """A line a version, and under them what somebody must know."""
    for one in found["versions"]:
        counts = (f"{kind} {what} {n}" for kind, some in one["changes"].items() for what, n in some.items())
        words = ["withdrawn"] if one["is_withdrawn"] else []
        words += [f"brings back {one['restores']}"] if one["restores"] else []
        words += [*counts, *([one["note"]] if one["note"] else [])]
        click.echo(f"{one['id']}  {one['made']}  {one['rides']} rides  {', '.join(words)}".rstrip())
    if not found["versions"]:
        click.echo("0 versions: nothing is published yet")
        return
    if found["end_day"] is None and found["versions"][0]["is_withdrawn"]:
        click.echo("nothing is published any more: no line has riders enough since somebody was erased")
        return
    ridden = found["days_since_ride"]
    last = "nobody rode yet" if ridden is None else f"last ride {ridden} days ago"
    end_day, days = found["end_day"], found["days_left"] or 0
    ends = f"over since {end_day}, {-days} days ago" if days < 0 else f"good until {end_day}, for {days} days"
    click.echo(f"{ends}; {last}")
    if found["is_held"]:
        click.echo("an earlier version is held: no new feed before `transitmap feeds resume`")


@feeds.command()
@click.argument("version")
@click.option("--note", default="", help="Why, for those who read the list of versions.")
@DATABASE
@ARCHIVE
@CONFIG
def rollback(version: str, note: str, database_url: str, archive_url: str, config_path: Path | None) -> None:
    """Shows an earlier version again, as a new one, until `transitmap feeds resume`."""
    import datetime

    from transitmap import store, versions
    from transitmap.archive import Archive

    store.upgrade(database_url)
    config, now = _server_config(config_path), datetime.datetime.now(datetime.UTC)
    with store.session(store.open_engine(database_url)) as session:
        archive = Archive(archive_url)
        held = versions.roll_back(session, archive, config, version, now.date(), now.timestamp(), note)
    click.echo(f"{held.id} holds: the feed of {held.restores}; no other is published before a resume")


@feeds.command()
@DATABASE
def resume(database_url: str) -> None:
    """Lets go of a version that was brought back: the next feed is made of all rides again."""
    from transitmap import store, versions

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url)) as session:
        was_held = versions.resume(session)
    click.echo("new feeds are published again" if was_held else "no version was held")


@main.group()
def points() -> None:
    """The ledger."""


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
    from dataclasses import asdict

    from transitmap import store
    from transitmap.archive import Archive
    from transitmap.points.rules import load_rules
    from transitmap.simulate_rules import preview

    rules, config = load_rules(rules_path), _server_config(config_path)
    engine = store.open_engine(database_url)
    with store.session(engine, write=False) as session:
        changes = preview(session, Archive(archive_url), config, rules)
    engine.dispose()
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
    from dataclasses import asdict

    from transitmap import store
    from transitmap.archive import Archive
    from transitmap.points.rules import load_rules
    from transitmap.replay import replay as differences

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url), write=False) as session:
        found = differences(session, Archive(archive_url), _server_config(config_path), load_rules())
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
    """The board: rank, pseudonym, points, rides."""
    from transitmap import store
    from transitmap.cells import plain_cell
    from transitmap.points.standings import board

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url), write=False) as session:
        places = board(store.standings_rows(session, since_s))
    rows = [{"rank": p.rank, "name": p.name, "points": p.millipoints / 1000} for p in places]
    if as_json:
        click.echo(json.dumps(rows))
        return
    if not rows:
        click.echo("0 lines: nobody has points", err=True)
    table = csv.writer(sys.stdout)
    table.writerows([row["rank"], plain_cell(str(row["name"])), row["points"]] for row in rows)


@main.group()
def campaigns() -> None:
    """Games of their own: an area, dates, rules, prizes, and a signed end."""


@campaigns.command("new")
@click.argument("settings", type=click.Path(True, dir_okay=False, path_type=Path))
@click.option("--rules", type=click.Path(True, dir_okay=False, path_type=Path), help="Its rules (TOML).")
@click.option("--prizes", type=click.Path(True, dir_okay=False, path_type=Path), help="Its prizes (TOML).")
@DATABASE
@ARCHIVE
@CONFIG
def new_campaign(
    settings: Path,
    rules: Path | None,
    prizes: Path | None,
    database_url: str,
    archive_url: str,
    config_path: Path | None,
) -> None:
    """Makes a draft of a campaign out of its SETTINGS (TOML); nothing counts in it before it is opened."""
    import time

    from transitmap import store
    from transitmap.archive import Archive
    from transitmap.campaigns import account, steps
    from transitmap.campaigns.settings import read_settings
    from transitmap.points.rules import published_text

    store.upgrade(database_url)
    config = _server_config(config_path)
    told, game, money = (one.read_text(encoding="utf-8") if one else "" for one in (settings, rules, prizes))
    with store.session(store.open_engine(database_url)) as session:
        timezone = account.timezone_of(session, Archive(archive_url), config)
        checked = read_settings(told, timezone, game, money, published_text())
        made = steps.make(session, checked, time.time())
        click.echo(f"draft {made.id}: {made.slug}, rules {made.rules_version}")


@campaigns.command("list")
@DATABASE
@JSON
def list_campaigns(database_url: str, as_json: bool) -> None:
    """Every campaign, the installation's own first: state, area, budget, riders, points."""
    from transitmap import store
    from transitmap.campaigns import account

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url), write=False) as session:
        rows = account.told_of_all(session)
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        money = f"{row['budget_centavos'] / 100:,.2f} {row['currency']}"
        where = row["area"] or "everywhere"
        told = f"{row['id']}  {row['slug']}  {row['state']}  {where}  {money}"
        click.echo(f"{told}  rules {row['rules_version'] or 'published'}  {row['riders']} riders")


def _step(name: str, told: str) -> None:
    """One verb for each step of a campaign's life: they differ in nothing but their name."""

    @campaigns.command(name, help=told)
    @click.argument("slug")
    @click.option("--by", "who", required=True, help="The organiser whose decision it is.")
    @click.option("--note", default="", help="Why, for those who read the ledger.")
    @click.option("--yes", is_flag=True, help="Do not ask; there is no way back.")
    @DATABASE
    @ARCHIVE
    @CONFIG
    def take(
        slug: str,
        who: str,
        note: str,
        yes: bool,
        database_url: str,
        archive_url: str,
        config_path: Path | None,
    ) -> None:
        import time

        from transitmap import store
        from transitmap.archive import Archive
        from transitmap.campaigns import account, steps
        from transitmap.points.rules import published_text

        store.upgrade(database_url)
        archive, config = Archive(archive_url), _server_config(config_path)
        if not yes:
            click.confirm(f"{name.capitalize()} {slug} for good?", abort=True)
        with store.session(store.open_engine(database_url)) as session:
            organiser, campaign = _organiser(session, who), _campaign(session, slug)
            timezone = account.timezone_of(session, archive, config)
            done = steps.take_step(
                session, archive, campaign, name, organiser, time.time(), timezone, published_text(), note
            )
            click.echo(
                f"{done.slug} is {done.state}" + (done.snapshot_sha256 and f": {done.snapshot_sha256}")
            )


_step("open", "Opens a draft: from now on rides count in it, and neither rules nor prizes change.")
_step("freeze", "Ends the payment of new rides; reviews and confirmations go on.")
_step("close", "Writes and signs the final board; nothing can be changed after it.")


def _campaign(session: Any, slug: str) -> Any:
    """The campaign of that address, or bad usage."""
    from transitmap import store

    campaign = store.campaign_by_slug(session, slug)
    if campaign is None:
        raise click.UsageError(f"no campaign has the address {slug}")
    return campaign


@campaigns.command("report")
@click.argument("slug")
@click.option("--out", required=True, type=OUT_FILE, help="The file to write: .html or .pdf.")
@click.option("--lang", type=click.Choice(["es", "en"]), help="The language, else the campaign's.")
@DATABASE
@ARCHIVE
@CONFIG
def report_campaign(
    slug: str,
    out: Path,
    lang: str | None,
    database_url: str,
    archive_url: str,
    config_path: Path | None,
) -> None:
    """Writes what a campaign mapped, what that cost, and what is still unknown."""
    import time

    from transitmap import store
    from transitmap.archive import Archive
    from transitmap.campaigns import account, report

    writers = {".html": report.write_html, ".pdf": report.write_pdf}
    if (suffix := out.suffix.lower()) not in writers:
        raise click.UsageError(f"{out.name}: must end in {' or '.join(writers)}")
    store.upgrade(database_url)
    archive, config = Archive(archive_url), _server_config(config_path)
    with store.session(store.open_engine(database_url), write=False) as session:
        campaign = _campaign(session, slug)
        locale = {"es": "es_MX", "en": "en"}[lang] if lang else campaign.locale
        timezone = account.timezone_of(session, archive, config)
        told = account.account_of(session, archive, campaign, config, timezone, locale, time.time())
        body = writers[suffix](told, account.voice_of(campaign, locale, timezone))
    _write_whole(out, body)
    click.echo(f"{out}: {told.mapped.n_confirmed} of {told.mapped.n_directions} directions confirmed")


@campaigns.command("snapshot")
@click.argument("slug")
@click.option("--out", required=True, type=OUT_FILE, help="The signed snapshot to write (JSON lines).")
@click.option("--key", required=True, type=OUT_FILE, help="The public key to write (PEM).")
@DATABASE
@ARCHIVE
def snapshot_campaign(slug: str, out: Path, key: Path, database_url: str, archive_url: str) -> None:
    """Writes the signed end of a closed campaign, and the public key that it is checked with."""
    from transitmap import store
    from transitmap.archive import Archive
    from transitmap.campaigns import steps

    store.upgrade(database_url)
    archive = Archive(archive_url)
    with store.session(store.open_engine(database_url), write=False) as session:
        body = steps.snapshot_file(session, archive, _campaign(session, slug))
        pem = steps.public_key(session, archive) or b""
    _write_whole(out, body)
    _write_whole(key, pem)
    click.echo(f"{out}: {len(body)} bytes; check it with {key}")


@campaigns.command("verify")
@click.argument("snapshot", type=click.Path(True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    required=True,
    type=click.Path(True, dir_okay=False, path_type=Path),
    help="The public key (PEM) that the installation published.",
)
@click.option(
    "--ledger",
    type=click.Path(True, dir_okay=False, path_type=Path),
    help="Books: whether their lines give the same board, and what was corrected after it.",
)
def verify_campaign(snapshot: Path, key: Path, ledger: Path | None) -> None:
    """Checks a signed end with the file and the public key alone; exit 1 where it is not to be believed."""
    from transitmap.books.ending import corrections_since
    from transitmap.campaigns.snapshot import verify_file
    from transitmap.errors import BooksWrong, SnapshotRefused

    try:
        told = verify_file(snapshot.read_bytes(), key.read_bytes())
        found = corrections_since(told, ledger) if ledger else []
    except (SnapshotRefused, BooksWrong) as refused:
        click.echo(f"{snapshot}: not to be believed: {refused}", err=True)
        sys.exit(1)
    board, part = told["board"]["rows"], told["ledger"]
    click.echo(f"{snapshot}: {told['campaign']['slug']}, {len(board)} riders, signed and unchanged")
    click.echo(f"ledger through line {part['head_sequence']}, sealed by {part['head_sha256']}")
    if ledger:
        net = sum(one.millipoints for one in found) / 1000
        click.echo(f"{ledger} gives the same board; {len(found)} corrections after it, {net:+.3f} points")
    for one in found:
        click.echo(f"line {one.sequence}, rider {one.user_id}, {one.millipoints / 1000:+.3f}: {one.text_en}")


@points.command("detectors")
@DATABASE
@JSON
def list_detectors(database_url: str, as_json: bool) -> None:
    """What each detector found, what people said of it, and whether that is enough to let it withhold."""
    import time
    from dataclasses import asdict

    from transitmap import detectors, store
    from transitmap.points.rules import load_rules

    store.upgrade(database_url)
    with store.session(store.open_engine(database_url), write=False) as session:
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
    import time

    from transitmap import decided, store

    store.upgrade(database_url)
    told = _in_centavos(answer) if kind == "fare" else answer
    with store.session(store.open_engine(database_url)) as session:
        staff, feed = _user(session, by), store.latest_feed(session)
        if staff.role == "rider":
            raise click.UsageError(f"{staff.name} must be of the staff")
        known = () if feed is None else feed.ids["route_id" if kind in ("fare", "route_name") else "stop_id"]
        if about not in known:
            raise click.UsageError(f"{about}: no such id in the feed that holds")
        timezone = _timezone(session, archive_url, _server_config(config_path))
        decided.plant_check(session, kind, about, told, staff.id, time.time(), timezone)
    click.echo(f"{kind} of {about}: {answer}")


def _in_centavos(amount: str) -> str:
    """An amount as 7.50 in whole centavos, or bad usage."""
    from decimal import Decimal, InvalidOperation

    try:
        return str(int(100 * Decimal(amount)))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise click.UsageError(f"{amount}: an amount like 7.50") from error


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
    """What the map lacks most: open missions, worth most first, and how many rides the city lacks."""
    import time

    from transitmap import missions, store
    from transitmap.archive import Archive
    from transitmap.points.rules import load_rules

    store.upgrade(database_url)
    now_s = time.time()
    with store.session(store.open_engine(database_url), write=make) as session:
        made = None
        if make:
            config = _server_config(config_path)
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
    import time

    from transitmap.books.export import export_books

    written = export_books(database_url, out, time.time())
    click.echo(f"{out}: {written.n_lines} lines; publish the last seal: {written.head}")


@points.command("verify")
@click.argument("books", type=click.Path(True, dir_okay=False, path_type=Path))
@click.option("--seal", "seals", multiple=True, help="A seal that was published: a line must have it.")
@JSON
def verify_points(books: Path, seals: tuple[str, ...], as_json: bool) -> None:
    """Checks books with nothing else: chain, keys, sums, prizes; exit 1 where something was changed."""
    from dataclasses import asdict

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


@main.command()
@click.option("--campaign", "slug", default="", help="Which campaign, where there are several with prizes.")
@click.option(
    "--ledger", type=click.Path(True, dir_okay=False, path_type=Path), help="Books, instead of the database."
)
@click.option("--seed", "words", help="The words that the draw's seed is made of, once they are told.")
@click.option(
    "--hold", is_flag=True, help="Write the prizes of a closed campaign down: they wait for two people."
)
@click.option("--by", default="", help="The organiser whose decision --hold is.")
@click.option("--csv", "as_csv", is_flag=True, help="A table for spreadsheets.")
@DATABASE
@ARCHIVE
@CONFIG
@JSON
def prizes(
    slug: str,
    ledger: Path | None,
    words: str | None,
    hold: bool,
    by: str,
    as_csv: bool,
    database_url: str,
    archive_url: str,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Who wins what in a campaign: the same list from the database and from the books alone."""
    from transitmap.books.lists import prizes_of_books, prizes_of_database

    if ledger is not None and hold:
        raise click.UsageError("--hold writes to the database, and --ledger reads none")
    if hold != bool(by):
        raise click.UsageError("--hold needs --by ORGANISER, and nothing else does")
    if ledger is not None:
        told = prizes_of_books(ledger, slug, words)
    else:
        holding = _holding(by, archive_url, config_path) if hold else None
        told = prizes_of_database(database_url, slug, words, holding)
    if as_json:
        click.echo(json.dumps(told.as_json(), ensure_ascii=False))
    else:
        click.echo(told.as_csv() if as_csv else "\n".join(told.described()), nl=not as_csv)


def _holding(by: str, archive_url: str, config_path: Path | None) -> Callable[[Any, Any, str], object]:
    """What writes a campaign's prizes down as an organiser's decision."""
    import time

    from transitmap import decided

    def hold(session: Any, campaign: Any, words: str) -> object:
        organiser = _organiser(session, by)
        timezone = _timezone(session, archive_url, _server_config(config_path))
        return decided.hold(session, campaign, words, organiser, time.time(), timezone)

    return hold


def _config(path: Path | None) -> Config:
    from transitmap.config import load_config

    return load_config(path)


def _server_config(path: Path | None) -> Config:
    from transitmap.config import load_config, server_defaults

    return load_config(path, server_defaults())


def _export(database_url: str, archive_url: str, config_path: Path | None) -> None:
    """The service and the worker read the environment: give them what this command was given."""
    import os

    os.environ["TRANSITMAP_DATABASE_URL"] = database_url
    os.environ["TRANSITMAP_ARCHIVE_URL"] = archive_url
    if config_path:
        os.environ["TRANSITMAP_CONFIG"] = str(config_path)


@contextmanager
def _worker(wanted: bool) -> Iterator[None]:
    """A `transitmap work` beside the service, started again where it ends, ended with it."""
    from transitmap.watch import kept_running

    with kept_running([sys.executable, "-m", "transitmap.cli", "work"]) if wanted else nullcontext():
        yield


@contextmanager
def _progress(wanted: bool) -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not wanted or not sys.stderr.isatty():
        yield lambda stage, share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)


if __name__ == "__main__":
    main()
