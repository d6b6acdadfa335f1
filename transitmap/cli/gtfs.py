"""Any feed: its rules, what changed in it, how good it is, other forms of it."""

from __future__ import annotations

import datetime
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from transitmap.cli.options import CONFIG, JSON, OUT_FILE, read_config, read_text, write_whole


@click.command()
@click.argument("feed", type=click.Path(True, path_type=Path))
@click.option("--out", required=True, type=OUT_FILE, help="The feed of single departures to write (zip).")
def expand(feed: Path, out: Path) -> None:
    """A feed of headways as one of single departures, which nobody promised, for older consumers."""
    from transitmap.gtfs.feed import expand as expanded
    from transitmap.gtfs.pack import pack
    from transitmap.gtfs.read import read_tables

    tables = read_tables(feed)
    departures = expanded(tables)
    write_whole(out, pack(departures))
    n_windows = len(tables.get("frequencies.txt", {}).get("trip_id", []))
    click.echo(f"{out}: {n_windows} windows are {len(departures['trips.txt']['trip_id'])} departures")


@click.command()
@click.argument("feed", type=click.Path(True, path_type=Path))
@click.option("--country", default="", help="ISO 3166 code, for the rules on telephone numbers.")
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="The day to take for today.")
@click.option("--lang", type=click.Choice(["es", "en"]), help="Say in words what each rule means.")
@JSON
def validate(feed: Path, country: str, today: Any, lang: str | None, as_json: bool) -> None:
    """Our own rules, the canonical ones and gtfs-analyzer's; exit 1 where one finds an error or a warning."""
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


@click.command()
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

    lang = read_config(config_path).feed.lang
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


@click.command("diff")
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

    config = read_config(config_path)
    lang = lang or config.feed.lang
    found = stage.diff(read_tables(old), read_tables(new), config.diff)
    if geojson:
        geojson.write_text(json.dumps(stage.as_geojson(found, lang), ensure_ascii=False), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(stage.as_json(found)))
    else:
        click.echo("\n".join(stage.describe(found, lang)))
    sys.exit(1 if found.changes else 0)


@click.command()
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
    told = read_text(evidence) if evidence else ""
    body = export_feed(read_tables(feed), kind, told, layer, lang)
    write_whole(to, body)
    click.echo(f"{to}: {kind}, {len(body):,} bytes")
