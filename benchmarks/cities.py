"""The simulated cities that figures are told of: other sizes, seeds, phones, noise, labels than any set.

python -m benchmarks.cities FOLDER [NAME...]   makes them
"""

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from transitmap.build import build_feed
from transitmap.config import Config
from transitmap.simulate import SimulateConfig, simulate_city, simulate_rides, write_dataset

WORK = Path("var/evaluate")
"""Where cities are kept between two runs."""


@dataclass(frozen=True)
class City:
    """A city and its campaign; `settings` are those of SimulateConfig that differ from its defaults."""

    name: str
    seed: int
    n_rides: int
    n_riders: int
    days: int = 14
    settings: dict = field(default_factory=dict)


SMALL = {"width_m": 7_000.0, "height_m": 6_000.0, "n_routes": 4}
CITIES = (
    City("town", 21, 220, 50, settings=SMALL),
    City("town, no labels", 22, 220, 50, settings=SMALL | {"label_share": 0.0}),
    City("town, 1 s", 23, 220, 50, settings=SMALL | {"interval_s": (1.0,), "interval_weight": (1.0,)}),
    City("town, 10 s", 24, 220, 50, settings=SMALL | {"interval_s": (10.0,), "interval_weight": (1.0,)}),
    City(
        "town, 15-30 s, no labels",
        25,
        300,
        60,
        settings=SMALL
        | {"interval_s": (15.0, 20.0, 30.0), "interval_weight": (0.4, 0.3, 0.3), "label_share": 0.0},
    ),
    City(
        "town, noisy", 26, 220, 50, settings=SMALL | {"noise_m": 8.0, "canyon_factor": 3.0, "gap_share": 0.4}
    ),
    City("campaign", 27, 110, 40, settings={"n_routes": 12, "mode": "campaign"}),
    City("city", 28, 600, 120, settings={"n_routes": 9}),
)
QUICK = ("town", "town, 15-30 s, no labels")


def make(city: City, work: Path = WORK) -> Path:
    """The folder of a city: made once, made again where its settings changed."""
    folder = work / city.name.replace(",", "").replace(" ", "-")
    said = json.dumps(asdict(city), sort_keys=True)
    mark = folder / "city.json"
    if not mark.exists() or mark.read_text() != said:
        place = simulate_city(city.seed, SimulateConfig(**city.settings))
        write_dataset(simulate_rides(place, city.seed, city.n_rides, city.n_riders, days=city.days), folder)
        mark.write_text(said)
    return folder


class Build(NamedTuple):
    """What a build gave: the feed, what it says of each ride, what it rests on, and the seconds it took."""

    feed: Path
    report: Path
    evidence_csv: str
    spent_s: float


@cache
def build(folder: Path) -> Build:
    """The rides of a folder built with the defaults, once a process."""
    started_s = time.perf_counter()
    built = build_feed([folder / "rides.zip"], Config())
    spent_s = time.perf_counter() - started_s
    out = Path(tempfile.mkdtemp(prefix="transitmap-"))
    (out / "feed.zip").write_bytes(built.feed.zip_bytes)
    (out / "rides.csv").write_text(built.report_csv)
    return Build(out / "feed.zip", out / "rides.csv", built.feed.evidence_csv, spent_s)


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def said(value: float | int | None, decimals: int = 2) -> str:
    """A figure as the tables show it."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.{decimals}f}"


if __name__ == "__main__":
    for one in CITIES:
        if len(sys.argv) == 2 or one.name in sys.argv[2:]:
            print(make(one, Path(sys.argv[1])))
