"""Writes the tables and pictures of docs/evaluation.md from the code as it stands.

python -m benchmarks.evaluate_page [PART...] [--rides FOLDER --scorer FILE]

PARTs: sets cities calibration oracles ablations floor pictures; all of them without one. `sets`, `floor`, the
sets' pictures and their rows of the studies need FOLDER, which holds sets of rides with their truth.
"""

import re
import sys
import time
import traceback
from pathlib import Path

from benchmarks import calibration, evaluate_cities, oracles, score_sets, shape_floor
from benchmarks.cities import CITIES, WORK, build, make, said, table
from transitmap.evaluate import draw_evaluation, draw_feed, evaluate, read_feed_map

PAGE = Path("docs/evaluation.md")
FIGURES = Path("docs/figures")
PARTS = ("sets", "cities", "calibration", "oracles", "ablations", "floor", "pictures")
STUDIED = "sim-cairns-branches"
"""The set in the studies: the one where most is left to gain."""
STUDIED_CITIES = {"oracles": ("town", "town, 15-30 s, no labels"), "ablations": ("town",)}
FLOOR_SETS = ("sim-accra-commuter", "sim-saopaulo-headway")
GOALS = {
    "stop F1@30": "stop_f1@30",
    "pattern F1": "pattern_f1",
    "sequence F1": "sequence_f1",
    "route F1": "route_f1",
    "ride accuracy": "ride_accuracy",
    "shape mean m": "shape_error_mean_m",
    "shape p95 m": "shape_error_p95_m",
    "runtime MAPE": "runtime_mape",
    "headway MAPE": "headway_mape",
    "junk precision": "junk_precision",
    "junk recall": "junk_recall",
}
OURS = {
    "chance@30": "stop_f1_chance@30",
    "stop F1@20": "stop_f1@20",
    "@50": "stop_f1@50",
    "directed@30": "stop_f1_directed@30",
    "stop error m": "stop_error_m",
    "streets prec.": "street_precision",
    "streets rec.": "street_recall",
    "line mean m": "shape_error_mean_m",
    "line p95 m": "shape_error_p95_m",
    "Hausdorff m": "shape_hausdorff_median_m",
    "headway where said": "headway_mape_known",
    "hours unknown": "headway_unknown",
}


def main(words: list[str]) -> None:
    """Each part, one after the other; a part that fails is told at the end and costs no other."""
    options = {word: Path(words[k + 1]) for k, word in enumerate(words) if word in ("--rides", "--scorer")}
    rides, scorer = options.get("--rides"), options.get("--scorer")
    wanted = [part for part in PARTS if part in words] or PARTS
    failed: list[str] = []
    for part in wanted:
        started_s = time.perf_counter()
        try:
            for marker, text in MAKERS[part](rides, scorer).items():
                put(marker, text)
        except Exception:
            failed.append(part)
            traceback.print_exc()
        print(f"{part}: {time.perf_counter() - started_s:.0f} s", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def put(marker: str, text: str, page: Path | None = None) -> None:
    """Writes a table between its two marks in a page; in PAGE if none is named.

    Raises:
        ValueError: the page has no such marks.
    """
    page = page or PAGE
    before = page.read_text(encoding="utf-8")
    start, end = f"<!-- {marker} -->", f"<!-- end of {marker} -->"
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(before):
        raise ValueError(f"{page} has no marks for {marker}")
    page.write_text(pattern.sub(lambda _: f"{start}\n{text}\n{end}", before), encoding="utf-8")


def sets(rides: Path | None, scorer_path: Path | None) -> dict[str, str]:
    """Every set with a truth, by the scorer beside the project and by ours."""
    if rides is None or scorer_path is None:
        return {}
    scorer = score_sets.load_scorer(scorer_path)
    theirs, ours = [], []
    for folder in sorted(path.parent for path in rides.glob("*/truth.zip")):
        made = build(folder)
        score, own = scorer.score(made.feed, folder, made.report), evaluate(made.feed, folder, made.report)
        theirs.append([folder.name, *(said(score.get(name)) for name in GOALS.values())])
        ours.append([folder.name, *(said(own.figures[name]) for name in OURS.values())])
        _draw(WORK / f"{folder.name}.svg", draw_evaluation(own, "en"))
    return {"sets": table(["set", *GOALS], theirs), "sets by our scorer": table(["set", *OURS], ours)}


def cities(rides: Path | None, scorer: Path | None) -> dict[str, str]:
    """Simulated cities of our own."""
    return {"cities": evaluate_cities.main([])}


def calibrate(rides: Path | None, scorer: Path | None) -> dict[str, str]:
    """The picture of what is stated and what is so, and its table."""
    return {"calibration": calibration.main([])}


def study(kind: str):
    """The oracles or the ablations, on a city and a set."""

    def make_tables(rides: Path | None, scorer: Path | None) -> dict[str, str]:
        folders = [make(city) for city in CITIES if city.name in STUDIED_CITIES[kind]]
        folders += [rides / STUDIED] if rides is not None else []
        found = oracles.main([f"--{kind}", *map(str, folders)])
        return {kind: "\n\n".join(f"**{name}**\n\n{tables[kind]}" for name, tables in found.items())}

    return make_tables


def floor(rides: Path | None, scorer: Path | None) -> dict[str, str]:
    """What shape error true lines have."""
    if rides is None or scorer is None:
        return {}
    return {"floor": shape_floor.main(scorer, [rides / name for name in FLOOR_SETS])}


def pictures(rides: Path | None, scorer: Path | None) -> dict[str, str]:
    """The map of a town of our own, in the docs; those of the sets lie in WORK, as the sets are not ours."""
    folder = make(CITIES[0])
    _draw(FIGURES / "town.svg", draw_evaluation(evaluate(build(folder).feed, folder), "en"))
    for real in sorted(path.parent for path in rides.glob("real-*/rides.zip")) if rides is not None else ():
        _draw(WORK / f"{real.name}.svg", draw_feed(read_feed_map(build(real).feed)[0], "en"))
    return {}


def _draw(path: Path, svg: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg, encoding="utf-8")


MAKERS = {
    "sets": sets,
    "cities": cities,
    "calibration": calibrate,
    "oracles": study("oracles"),
    "ablations": study("ablations"),
    "floor": floor,
    "pictures": pictures,
}

if __name__ == "__main__":
    main(sys.argv[1:])
