"""What limits the map, and what each idea buys: one stage answered by the truth, or one idea switched off.

python -m benchmarks.oracles [--oracles | --ablations] [FOLDER...]

FOLDER holds rides.zip, truth.zip and rides.csv; without one the standard cities of QUICK are made. Stages are
replaced where the pipeline calls them, so a stage may change inside as it likes; an idea that is no longer
there is said to be gone.
"""

import importlib
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import answers
from benchmarks.cities import CITIES, QUICK, make, said, table
from transitmap import build
from transitmap.config import Config
from transitmap.evaluate import evaluate
from transitmap.infer.patterns.grow import Way
from transitmap.infer.patterns.weigh import Mixture, divide
from transitmap.model import BUS, Taps

FIGURES = {
    "stops": "stop_f1@30",
    "patterns": "pattern_f1",
    "sequence": "sequence_f1",
    "routes": "route_f1",
    "rides": "ride_accuracy",
    "shape mean m": "shape_error_mean_m",
    "running": "runtime_mape",
    "headway": "headway_mape",
    "junk prec.": "junk_precision",
    "junk rec.": "junk_recall",
}
ORACLES = {
    "today": (),
    "modes": ("modes",),
    "junk": ("junk",),
    "grouping": ("grouping",),
    "grouping and routes": ("grouping", "routes"),
    "shapes": ("shapes",),
    "stop positions": ("stop_positions",),
    "stops": ("stops",),
    "grouping, routes, stops": ("grouping", "routes", "stops"),
    "all of them": ("modes", "junk", "grouping", "routes", "shapes", "stops"),
}


def main(words: list[str]) -> dict[str, dict[str, str]]:
    """Prints the tables of every folder; returns them by folder and study."""
    named = [Path(word) for word in words if not word.startswith("--")]
    folders = {path.name: path for path in named} or {c.name: make(c) for c in CITIES if c.name in QUICK}
    studies = {"oracles": oracle_rows, "ablations": ablation_rows}
    wanted = [name for name in studies if f"--{name}" in words] or list(studies)
    tables: dict[str, dict[str, str]] = {}
    for name, folder in folders.items():
        collected = build.collect_files([folder / "rides.zip"], Config())
        for study in wanted:
            rows = studies[study](folder, collected)
            tables.setdefault(name, {})[study] = table([study, *FIGURES], rows)
            print(f"\n{name}\n\n{tables[name][study]}", flush=True)
    return tables


def oracle_rows(folder: Path, collected: tuple) -> list[list[str]]:
    """A row a stage that the truth answers."""
    rows = []
    for name, stages in ORACLES.items():
        truth = answers.Truth(folder, collected[0])
        with truth.listening(), ExitStack() as stack:
            for stage in stages:
                stack.enter_context(truth.answering(stage))
            rows.append(_row(name, _score(folder, collected, Config())))
    return rows


def _row(name: str, figures: dict) -> list[str]:
    row = [name, *(said(figures.get(one)) for one in FIGURES.values())]
    print("|", " | ".join(row), "|", flush=True)
    return row


def _score(folder: Path, collected: tuple, config: Config) -> dict:
    """The figures of rides already collected."""
    with (
        patched("transitmap.build:collect_files", lambda *_: collected),
        tempfile.TemporaryDirectory() as out,
    ):
        built = build.build_feed([folder / "rides.zip"], config)
        feed, report = Path(out) / "feed.zip", Path(out) / "rides.csv"
        feed.write_bytes(built.feed.zip_bytes)
        report.write_text(built.report_csv)
        return evaluate(feed, folder, report).figures


@contextmanager
def patched(target: str, value: object):
    """`module:name` stands for another value for a while.

    Raises:
        AttributeError, ImportError: there is no such name.
    """
    module_name, name = target.split(":")
    module = importlib.import_module(module_name)
    before = getattr(module, name)
    setattr(module, name, value(before) if getattr(value, "wraps", False) else value)
    try:
        yield
    finally:
        setattr(module, name, before)


def wrapping(function):
    """Marks a function that makes a replacement of what it is given."""
    function.wraps = True
    return function


def ablation_rows(folder: Path, collected: tuple) -> list[list[str]]:
    """A row an idea that is switched off."""
    rows = [_row("today", _score(folder, collected, Config()))]
    for name, (change_rides, tables, patches) in ABLATIONS.items():
        rides = [change_rides(ride) for ride in collected[0]]
        try:
            config = _config(tables)
            with ExitStack() as stack:
                for target, value in patches.items():
                    stack.enter_context(patched(target, value))
                rows.append(_row(name, _score(folder, (rides, *collected[1:]), config)))
        except Exception as gone:  # whatever a changed stage makes of a patch, the other rows stand
            rows.append([name, f"gone: {type(gone).__name__}: {gone}", *[""] * (len(FIGURES) - 1)])
    return rows


def _config(tables: dict) -> Config:
    """The defaults with some replaced, whatever the rules say of them."""
    config = Config()
    for name, values in tables.items():
        config = replace(config, **{name: replace(getattr(config, name), **values)})
    return config


def _same(ride):
    return ride


def _without_label(ride):
    return replace(ride, label="")


NO_TAPS = Taps(np.zeros(0), np.zeros(0), np.zeros(0), ())


def _without_taps(ride):
    return replace(ride, taps=NO_TAPS)


def _one_leg(rides, *_):
    """Nobody ever walks or waits."""
    n = [len(ride.fixes) for ride in rides]
    which = np.array([k for k, count in enumerate(n) if count], dtype=np.int64)
    last = np.array([n[k] for k in which], dtype=np.int64)
    whole = np.full(len(which), BUS, dtype=np.int64)
    return answers.legs(which, np.zeros(len(which), dtype=np.int64), last, whole)


def _no_copies(rides, *_):
    return np.full(len(rides), -1, dtype=np.int64)


def _raw_lines(paths, *_):
    return [paths.xy_m[a:b] for a, b in zip(paths.point_start[:-1], paths.point_start[1:], strict=True)]


@wrapping
def _blind(find_stops):
    """Stops within 40 m become one, whichever way the buses go."""
    return lambda *words: answers.merged_stops(*find_stops(*words), 40.0)


def _seed_alone(seed, *_):
    return Way(seed, 0, len(seed) - 1)


def _no_cars(_, lines, *__):
    return np.zeros(len(lines), dtype=bool)


def _every_one(fits):
    n_lines = np.bincount(fits.chain, minlength=len(fits.cost))
    return np.arange(len(n_lines)), divide(
        fits, Mixture(n_lines / n_lines.sum(), 0.05, fits.odds, fits.odds), 10
    )


FIND, PICK = "transitmap.infer.patterns.find:", "transitmap.infer.patterns.pick:"
ABLATIONS = {
    "no labels": (_without_label, {}, {}),
    "every label heeded": (_same, {}, {PICK + "heed": lambda labels, _: list(labels)}),
    "no tapped stops": (_without_taps, {}, {}),
    "copies kept": (_same, {}, {"transitmap.infer.copies:find_copies": _no_copies}),
    "walks and waits not cut off": (_same, {}, {"transitmap.infer.legs:split_legs": _one_leg}),
    "spikes kept": (
        _same,
        {},
        {"transitmap.infer.lines:without_spikes": lambda _, time_s, *__: np.ones(len(time_s), dtype=bool)},
    ),
    "rides do not grow into ways": (_same, {}, {FIND + "grow": _seed_alone}),
    "ways not mended": (_same, {}, {FIND + "mend": lambda way, *_: way}),
    "ways not cut": (_same, {}, {FIND + "cut": lambda way, *_: [way]}),
    "names not asked along the way": (_same, {}, {FIND + "named_parts": lambda part, *_: [part]}),
    "every way is told": (_same, {}, {PICK + "fewest": _every_one}),
    "one ride's line for a shape": (_same, {}, {"transitmap.infer.shapes:draw_shapes": _raw_lines}),
    "stops at a confidence of 0.3": (_same, {"stops": {"min_confidence": 0.3}}, {}),
    "stops blind to direction": (_same, {}, {"transitmap.infer.stops:find_stops": _blind}),
    "cars kept": (_same, {}, {"transitmap.infer.strays:find_strays": _no_cars}),
}


if __name__ == "__main__":
    main(sys.argv[1:])
