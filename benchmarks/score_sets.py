"""Builds every set of rides in a folder, scores it against its truth and prints a table with time and memory.

python -m benchmarks.score_sets RIDES_FOLDER SCORER.py
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRANSITMAP = (sys.executable, "-m", "transitmap.cli")
FIGURES = (
    "stop_f1@30",
    "pattern_f1",
    "sequence_f1",
    "route_f1",
    "ride_accuracy",
    "shape_error_mean_m",
    "runtime_mape",
    "headway_mape",
    "junk_precision",
    "junk_recall",
)


def main(rides: Path, scorer_path: Path) -> None:
    """One line a set."""
    scorer = load_scorer(scorer_path)
    print("| set | seconds | MB | validators |", " | ".join(FIGURES), "|")
    for folder in sorted(path for path in rides.iterdir() if (path / "rides.zip").exists()):
        with tempfile.TemporaryDirectory() as out:
            feed, report = Path(out) / "feed.zip", Path(out) / "rides.csv"
            seconds, megabytes, _ = build(folder / "rides.zip", feed, report)
            row = [folder.name, f"{seconds:.1f}", f"{megabytes:.0f}", findings(feed)]
            if (folder / "truth.zip").exists():
                score = scorer.score(feed, folder, report)
                row += [f"{score[name]:.2f}" if score.get(name) is not None else "" for name in FIGURES]
            print("|", " | ".join(row), "|", flush=True)


def load_scorer(path: Path):
    """A scorer that lies beside the project."""
    spec = importlib.util.spec_from_file_location("scorer", path)
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    return scorer


def build(rides: Path, feed: Path, report: Path) -> tuple[float, float, dict]:
    """Seconds of wall clock, megabytes at the peak, and the summary of `transitmap build`."""
    words = ["build", rides, "--out", feed, "--report", report, "--json"]
    started_s = time.perf_counter()
    with subprocess.Popen([*TRANSITMAP, *map(str, words)], stdout=subprocess.PIPE, text=True) as process:
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{rides.parent.name}: exit {process.returncode}")
    return time.perf_counter() - started_s, used.ru_maxrss / 1000, json.loads(said)


def findings(feed: Path) -> str:
    """What the canonical validator and our own rules say of a feed: how many errors and warnings."""
    command = [*TRANSITMAP, "validate", str(feed), "--json"]
    notices = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    severities = [notice["severity"] for notice in notices]
    return f"{severities.count('error')} errors, {severities.count('warning')} warnings"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
