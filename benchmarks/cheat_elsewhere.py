"""The detectors on rides recorded or simulated elsewhere: what is held of them, and of copies of them.

python -m benchmarks.cheat_elsewhere RIDES.zip... [--copies N]

A set is inferred as one city; then each ride comes in the order of its end, from a rider of its own where the
file names none, and is looked at with those before it. A `rides.csv` beside the zip (columns ride, kind) says
what each is. Prints by kind what is withheld and held for a reviewer, then N copies of each transform.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from benchmarks import attacks
from benchmarks.cheat_bench import Court, Tally, worth
from transitmap import pipeline
from transitmap.build import collect_item
from transitmap.collect import intake
from transitmap.config import Config
from transitmap.model import Ride, Trips


def read(path: Path, config: Config) -> list[Ride]:
    """The clean rides of a zip, in the order of their ends; of a rider of its own where none is named."""
    items, now_s = intake.open_inputs([path], config.collect), time.time()
    found = [ride for item in items for ride in collect_item(item, config, now_s)[0]]
    named = [replace(one, rider_id=one.rider_id or one.ride_id) for one in found]
    return sorted(named, key=lambda one: float(one.fixes.time_s[-1]))


def kinds_of(path: Path) -> dict[str, str]:
    """What each ride of a set is, by its name."""
    table = path.with_name("rides.csv")
    if not table.exists():
        return {}
    with table.open(encoding="utf-8") as file:
        return {row["ride"]: row["kind"] for row in csv.DictReader(file)}


def judged(path: Path, config: Config) -> tuple[Court, Trips, dict[str, Tally]]:
    """A set's rides, each looked at with those before it; and by kind what was held."""
    rides, kinds = read(path, config), kinds_of(path)
    network, trips = pipeline.infer_network(rides, config)
    court, tallies = Court(network), dict[str, Tally]()
    for row, ride in enumerate(rides):
        kind = kinds.get(PurePosixPath(ride.ride_id.partition("#")[0]).stem, "ride")
        tallies.setdefault(kind, Tally()).note(court.look(ride, trips, row))
        court.see(ride)
    return court, trips, tallies


def report(path: Path, n_copies: int) -> None:
    """Prints what is held of one set, and of copies of rides whose pattern is known."""
    config = replace(Config(), collect=intake.for_files(Config().collect))
    court, trips, tallies = judged(path, config)
    print(f"{path.parent.name}: {len(court.seen)} rides, {len(court.network.patterns.route_index)} patterns")
    for kind, tally in sorted(tallies.items()):
        print(tally.line(kind), flush=True)
    known = [ride for row, ride in enumerate(court.seen) if trips.pattern_index[row] >= 0]
    chosen = [known[k] for k in np.linspace(0, len(known) - 1, n_copies).astype(int).tolist()]
    for name, tally in tried(court, chosen, config):
        print(tally.line(f"other day: {name}"), flush=True)


def tried(court: Court, rides: list[Ride], config: Config) -> Iterator[tuple[str, Tally]]:
    """Each transform of these rides, put on another day by somebody else, recognised as an upload is."""
    for number, (name, transform) in enumerate({**attacks.TRANSFORMS, **attacks.HARDER}.items()):
        rng, tally = np.random.default_rng([2, number]), Tally()
        for ride in rides:
            copy = attacks.copy_of(ride, attacks.redated(transform), "copy", "thief", rng)
            if len(copy.fixes) >= 2 and worth(copy.fixes) > 0:
                tally.note(court.look(copy, pipeline.recognise(court.network, [copy], config), 0))
        yield name, tally


def main(words: list[str]) -> None:
    """One set after the other."""
    n_copies = int(words[words.index("--copies") + 1]) if "--copies" in words else 40
    for word in words:
        if word.endswith(".zip"):
            report(Path(word), n_copies)


if __name__ == "__main__":
    main(sys.argv[1:])
