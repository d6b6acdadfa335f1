"""Rides to a feed or to legs, and a fictional city's rides: all by files alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from transitmap.cli.options import CONFIG, FILE, JOBS, JSON, OUT_FILE, RIDES, read_config, write_whole
from transitmap.cli.progress import progress_bar

if TYPE_CHECKING:
    from transitmap.build import Built
    from transitmap.config import Config
    from transitmap.gtfs.diff import Comparison
    from transitmap.model import Notice


@click.command()
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

    config = _referring(read_config(config_path), reference)
    official = official_tables(config)
    if reference_report and official is None:
        raise click.UsageError("without a --reference there is nothing to report on")
    with progress_bar(not as_json) as progress:
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
    write_whole(out, built.feed.zip_bytes)
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


@click.command()
@RIDES
@click.option("--out", required=True, type=OUT_FILE, help="The table to write (CSV).")
@CONFIG
@JOBS
def legs(inputs: tuple[Path, ...], out: Path, config_path: Path | None, jobs: int) -> None:
    """Rides cut where the way of moving changes: one row a leg (ride,start,end,mode)."""
    from transitmap.build import collect_files
    from transitmap.infer.legs import split_legs
    from transitmap.report import legs_table

    config = read_config(config_path)
    with progress_bar(True) as progress:
        rides, refusals, _ = collect_files(inputs, config, jobs, progress)
    found = split_legs(rides, config.legs)
    out.write_text(legs_table(rides, found), encoding="utf-8")
    click.echo(f"{out}: {len(rides)} rides, {len(found)} legs, {len(refusals)} files refused")


@click.command()
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
    with progress_bar(True) as progress:
        progress("city", 0.05)
        city = simulate_city(seed, config)
        progress("rides", 0.1)
        write_dataset(simulate_rides(city, seed, n_rides, n_riders, days=days), folder)
        progress("done", 1.0)
    click.echo(f"{folder}: {n_rides} rides by {n_riders} riders in {days} days")
