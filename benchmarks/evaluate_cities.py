"""Builds and scores simulated cities of other sizes, phones, noise and labels; prints a table.

python -m benchmarks.evaluate_cities [--quick] [FOLDER...]

A FOLDER with rides.zip and truth.zip is scored too.
"""

import sys
from pathlib import Path

from benchmarks.cities import CITIES, QUICK, build, make, said, table
from transitmap.evaluate import evaluate

FIGURES = {
    "stops": "stop_f1@30",
    "chance": "stop_f1_chance@30",
    "directed": "stop_f1_directed@30",
    "stop error m": "stop_error_m",
    "patterns": "pattern_f1",
    "sequence": "sequence_f1",
    "routes": "route_f1",
    "rides": "ride_accuracy",
    "shape mean m": "shape_error_mean_m",
    "shape p95 m": "shape_error_p95_m",
    "running": "runtime_mape",
    "headway": "headway_mape",
    "unknown": "headway_unknown",
    "junk prec.": "junk_precision",
    "junk rec.": "junk_recall",
}


def main(words: list[str]) -> str:
    """The table of all cities and folders."""
    quick = "--quick" in words
    folders = {city.name: make(city) for city in CITIES if not quick or city.name in QUICK}
    folders |= {Path(word).name: Path(word) for word in words if not word.startswith("--")}
    rows = []
    for name, folder in folders.items():
        made = build(folder)
        figures = evaluate(made.feed, folder, made.report).figures
        rows.append([name, f"{made.spent_s:.0f}", *(said(figures.get(one)) for one in FIGURES.values())])
        print("|", " | ".join(rows[-1]), "|", flush=True)
    return table(["city", "s", *FIGURES], rows)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
