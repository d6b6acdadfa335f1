"""Files alone to a feed: read, collect, infer, publish, report. No database, nothing left behind."""

from __future__ import annotations

import datetime
import logging
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transitmap import pipeline
from transitmap.collect.intake import for_files, open_inputs
from transitmap.config import Config
from transitmap.errors import UploadRefused
from transitmap.gtfs.evidence import as_json
from transitmap.model import NO_PATTERN, Network, Refusal, Ride, Spread, Streets, Tables, Trips
from transitmap.report import report_table

log = logging.getLogger("transitmap.build")
CHUNK = 200
AHEAD = 2
"""Rows a process that are asked for before the result of the first is taken."""
Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Built:
    """A feed and what came of every ride; `n_files` is how many files were read."""

    feed: pipeline.Feed
    inferred: Network
    trips: Trips
    rides: tuple[Ride, ...]
    refusals: tuple[Refusal, ...]
    report_csv: str
    n_files: int

    def summary(self) -> dict[str, Any]:
        """Counts for people and programs."""
        network = self.feed.network
        reasons = Counter(reason for reason in self.trips.reason if reason)
        n_unmatched = reasons.pop(NO_PATTERN, 0)
        reasons.update(refusal.reason for refusal in self.refusals)
        return {
            "files": self.n_files,
            "rides": len(self.rides),
            "used": int((self.trips.pattern_index >= 0).sum()) + n_unmatched,
            NO_PATTERN: n_unmatched,
            "ignored": dict(sorted(reasons.items())),
            "stops": len(network.stops),
            "routes": len(network.routes),
            "patterns": len(network.patterns),
            "held_back": [as_json(held) for held in self.feed.held_back],
            "errors": sum(notice.severity == "error" for notice in self.feed.notices),
            "warnings": sum(notice.severity == "warning" for notice in self.feed.notices),
            "timezone": network.timezone,
            **({"official": self.feed.seen.known} if self.feed.seen else {}),
        }

    def evidence(self, name: str) -> bytes:
        """What everything published rests on: a map where the file's name ends in .geojson, else a table."""
        feed = self.feed
        if name.lower().endswith((".geojson", ".json")):
            return pipeline.map_evidence(feed.network, feed.ids, feed.tables, feed.held_back)
        return feed.evidence_csv.encode()


def build_feed(
    inputs: Sequence[Path],
    config: Config,
    today: datetime.date | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    streets: Streets | None = None,
    official: Tables | None = None,
) -> Built:
    """Everything in `inputs` to a feed. One bad file among thousands is a row of the report.

    What an `official` feed knows has its ids there. `jobs` processes read the files and infer; the result
    does not depend on it.
    """
    today = today or datetime.datetime.now(datetime.UTC).date()
    rides, refusals, n_files = collect_files(inputs, config, jobs, _part(progress, 0.0, 0.4))
    inferred, trips = pipeline.infer_network(
        rides, config, _part(progress, 0.4, 0.9), streets, spread_over(jobs)
    )
    if progress is not None:
        progress("feed", 0.9)
    feed = pipeline.make_feed(inferred, config, today, None, official, trips)
    table = report_table(rides, refusals, trips, inferred, feed.network, feed.ids, config.feed.min_riders)
    if progress is not None:
        progress("done", 1.0)
    return Built(feed, inferred, trips, tuple(rides), tuple(refusals), table, n_files)


def collect_files(
    inputs: Sequence[Path], config: Config, jobs: int = 1, progress: Progress | None = None
) -> tuple[list[Ride], list[Refusal], int]:
    """Rides and refusals of all files, in the order of the files, and how many files there were."""
    started_s = time.perf_counter()
    settings = _for_files(config)
    rides: list[Ride] = []
    refusals: list[Refusal] = []
    n_files = 0
    for n_files, (found, refused) in enumerate(_collected(inputs, settings, jobs), 1):
        rides += found
        refusals += refused
        if progress is not None and n_files % 50 == 0:
            progress(f"reading, {n_files} files", min(0.95, n_files / (n_files + 500)))
    log.info("read %d files: %d rides, %d refused, %.2f s",
             n_files, len(rides), len(refusals), time.perf_counter() - started_s)  # fmt: skip
    return rides, refusals, n_files


def spread_over(jobs: int) -> Spread:
    """`map` over so many processes, where a process can be forked: these have all that is there already.

    To send a city's lines to other processes costs more than they save. A few rows go ahead of the results.
    """
    if jobs == 1 or "fork" not in multiprocessing.get_all_start_methods():
        return map

    def spread(function: Callable[..., Any], *columns: Iterable[Any]) -> Iterator[Any]:
        _inherited.append(function)
        try:
            with multiprocessing.get_context("fork").Pool(jobs) as pool:
                ahead: deque[Any] = deque()
                for row in zip(*columns, strict=True):
                    ahead.append(pool.apply_async(_call_inherited, row))
                    if len(ahead) > AHEAD * jobs:
                        yield ahead.popleft().get()
                while ahead:
                    yield ahead.popleft().get()
        finally:
            _inherited.pop()

    return spread


_inherited: list[Callable[..., Any]] = []
"""What the processes forked at this moment are for."""


def _call_inherited(*row: Any) -> Any:
    return _inherited[-1](*row)


def _for_files(config: Config) -> Config:
    return replace(config, collect=for_files(config.collect))


def _collected(
    inputs: Sequence[Path], config: Config, jobs: int
) -> Iterator[tuple[list[Ride], list[Refusal]]]:
    now_s = time.time()
    items = open_inputs(inputs, config.collect)
    if jobs == 1:
        for item in items:
            yield collect_item(item, config, now_s)
        return
    from joblib import Parallel, delayed

    work = (delayed(collect_chunk)(chunk, config, now_s) for chunk in _chunks(items))
    for chunk in Parallel(n_jobs=jobs, return_as="generator")(work):
        yield from chunk


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    yield chunk


def collect_chunk(
    items: Sequence[tuple[str, bytes] | Refusal], config: Config, now_s: float
) -> list[tuple[list[Ride], list[Refusal]]]:
    """Rides or refusals of some files: the unit of work of a process."""
    return [collect_item(item, config, now_s) for item in items]


def collect_item(
    item: tuple[str, bytes] | Refusal, config: Config, now_s: float
) -> tuple[list[Ride], list[Refusal]]:
    """The rides of one file, or why there are none."""
    if isinstance(item, Refusal):
        return [], [item]
    name, body = item
    try:
        collected = pipeline.collect_file(name, body, config, now_s)
    except UploadRefused as refused:
        return [], [Refusal(name, refused.reason, refused.detail)]
    rides = [one for one in collected if isinstance(one, Ride)]
    return rides, [one for one in collected if isinstance(one, Refusal)]


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    """Progress of a part of the work as progress of the whole."""
    if progress is None:
        return None
    return lambda stage, share: progress(stage, start + (end - start) * share)
