"""The columns that flow: the data dictionary of transitmap.

Every type is a frozen set of equal-length, read-only numpy arrays. Things of different length are ragged:
one long array and `*_start` offsets with one entry more than there are things, so that thing `i` is
`values[start[i]:start[i + 1]]`. `*_index` points to a row of another table, -1 means none. Units stand in
the names; times are seconds of Unix time, UTC, unless a name says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

Spread = Callable[..., Iterable[Any]]
"""`map`, or one that calls the function in other processes and gives the results in the same order."""

MODES = ("walk", "still", "bus", "car", "rail", "other")
WALK, STILL, BUS, CAR, RAIL, OTHER = range(len(MODES))
DAY_TYPES = ("weekday", "saturday", "sunday")
SERVICE_IDS = ("WD", "SA", "SU")
NO_PATTERN = "no_pattern"
"""Why a ride in a vehicle is no trip: no known pattern runs its way yet. It is evidence, not junk."""
SPARSE = "sparse_timeline"
"""Flag and reason of rides out of Google's timeline: fixes minutes apart, and moved. They are sketches: they
draw nothing and earn nothing."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Freezes a view of every array it is given; the caller's own array stays writable."""

    def __post_init__(self) -> None:
        for column in fields(self):
            value = getattr(self, column.name)
            if isinstance(value, np.ndarray):
                view = value.view()
                view.flags.writeable = False
                object.__setattr__(self, column.name, view)

    def take(self, rows: BoolArray | IntArray) -> Self:
        """Some rows, by mask or by number, of a table with one entry a row in every column."""
        return replace(
            self, **{column.name: _rows(getattr(self, column.name), rows) for column in fields(self)}
        )


def _not_counted() -> IntArray:
    """A column of a table kept before it was counted; `_unknown` gives it its length."""
    return np.zeros(0, dtype=np.int64)


def _unknown(table: Columns, n_rows: int, *names: str) -> None:
    """Fills columns that nobody counted with -1, so that all have one entry a row."""
    for name in names:
        if not len(getattr(table, name)):
            object.__setattr__(table, name, np.full(n_rows, -1, dtype=np.int64))


def _rows(values: npt.NDArray[Any] | tuple[str, ...], rows: BoolArray | IntArray) -> Any:
    """Some entries of a column, which keeps its type."""
    if isinstance(values, np.ndarray):
        return values[rows]
    return tuple(values[int(row)] for row in np.arange(len(values))[rows])


@dataclass(frozen=True, eq=False)
class Fixes(Columns):
    """Fixes of one ride, in time order: where the phone said it was. `accuracy_m` is NaN where unknown."""

    time_s: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    accuracy_m: FloatArray

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, eq=False)
class Taps(Columns):
    """Places a rider marked on the way (GPX waypoints). `time_s` is NaN where unknown."""

    time_s: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    name: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, eq=False)
class Ride:
    """One trace as collected: clean fixes, what its rider said about it, and what was dropped and why.

    `ride_id` is the path inside the input (plus `#2` for the second trace of a file), or the upload's id on a
    server. `rider_id` is empty where nobody knows who rode. `dropped` counts fixes by reason, `flagged` those
    that were kept and are not beyond doubt (`mock`: the phone says that its position is made up).
    """

    ride_id: str
    fixes: Fixes
    taps: Taps
    label: str = ""
    declared_mode: str = ""
    rider_id: str = ""
    dropped: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    flagged: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """One request of a live phone: raw, but for its token.

    `dialect` is the adapter of `collect.clients` that reads it, `path` what followed the token in the URL,
    `query` the raw query string, `headers` the few that tell something (lower-case names, no credentials).
    """

    dialect: str
    received_s: float
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What a live phone is told: the words by which its app knows that it may forget what it sent."""

    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""


@dataclass(frozen=True, eq=False)
class Heard:
    """What one message says, in the order it says it: nothing is sorted, screened or believed yet.

    `trip`, `is_mock` and `claimed_m_s` have an entry a fix. `trip` is what the app calls the running trip,
    empty where it does not; `claimed_m_s` is the speed that the phone claims, which no stage uses (NaN where
    it does not). `dropped` counts by reason what could not be understood, `flagged` fixes that are kept.
    `label` and `mode` are what the rider said of a trip, by that: when, and what. `finished` are trips that
    the app says are over, each with how many things it told of it in all (0: it does not say).
    """

    fixes: Fixes
    trip: tuple[str, ...]
    is_mock: BoolArray
    claimed_m_s: FloatArray
    taps: Taps
    dropped: dict[str, int] = field(default_factory=dict)
    flagged: dict[str, int] = field(default_factory=dict)
    label: dict[str, tuple[float, str]] = field(default_factory=dict)
    mode: dict[str, tuple[float, str]] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)

    @property
    def n_told(self) -> int:
        """How many things the message told, understood or not: what the limit of a batch counts."""
        return len(self.fixes) + sum(self.dropped.values())


@dataclass(frozen=True)
class Refusal:
    """One input that gave no ride: a row with a reason, never the end of a build."""

    ride_id: str
    reason: str
    detail: str


@dataclass(frozen=True, eq=False)
class Legs(Columns):
    """Rides cut where the way of moving changes: fixes `first:last` of ride `ride_index` in one mode.

    `mode` indexes MODES; `confidence` is 0..1.
    """

    ride_index: IntArray
    first: IntArray
    last: IntArray
    mode: IntArray
    confidence: FloatArray

    def __len__(self) -> int:
        return len(self.ride_index)


@dataclass(frozen=True, eq=False)
class Lines(Columns):
    """Vehicle legs as lines on the plane, ragged by `point_start`, a point every few metres of road.

    `xy_m` and `heading` are (n, 2); `heading` holds unit vectors. `time_s` is when the vehicle got there and
    `place` the directed place the point lies in: points of different lines with one `place` ran the same way
    along the same few metres. `is_seen` is false between fixes that lie too far apart to know the way. Ragged
    by `fix_start`, `fix_s` and `fix_m` are the clean fixes behind the lines.
    """

    leg_index: IntArray
    ride_index: IntArray
    point_start: IntArray
    xy_m: FloatArray
    heading: FloatArray
    time_s: FloatArray
    is_seen: BoolArray
    gap_m: FloatArray
    place: IntArray
    fix_start: IntArray
    fix_s: FloatArray
    fix_m: FloatArray

    def __len__(self) -> int:
        return len(self.leg_index)


@dataclass(frozen=True, eq=False)
class Crowd(Columns):
    """Who saw it: `rider` and `day` number those of each ride, `vehicle` the vehicle of each line.

    Days are local, of the time zone `zone` (IANA).
    """

    rider: IntArray
    day: IntArray
    vehicle: IntArray
    zone: str = "UTC"

    def voice(self) -> FloatArray:
        """For each line its share in what its vehicle has to say: all lines of one add up to 1."""
        return np.asarray(1.0 / np.bincount(self.vehicle)[self.vehicle], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Paths(Columns):
    """The ways that vehicles run, ragged by `point_start`: chains of places, and who was seen on them.

    Row k of the fit says that line `line_index[k]` runs along path `path_index[k]` for the share
    `covered[k]` of what was seen of it, from `first_m[k]` to `last_m[k]` of the path. `label` is the name
    most of its riders gave, `n_label` how many gave it, `n_labelled` how many gave any.
    """

    point_start: IntArray
    xy_m: FloatArray
    label: tuple[str, ...]
    n_label: FloatArray
    n_labelled: FloatArray
    line_index: IntArray
    path_index: IntArray
    covered: FloatArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.point_start) - 1


@dataclass(frozen=True, eq=False)
class Sightings(Columns):
    """Vehicles seen on paths, ragged by `fix_start`: row k is line `line_index[k]` on `path_index[k]`.

    `along_m` never decreases. `weight` is that of Paths; `is_own` marks the path that suits the line best.
    """

    line_index: IntArray
    ride_index: IntArray
    path_index: IntArray
    weight: FloatArray
    is_own: BoolArray
    fix_start: IntArray
    time_s: FloatArray
    along_m: FloatArray

    def __len__(self) -> int:
        return len(self.line_index)


@dataclass(frozen=True, eq=False)
class Halts(Columns):
    """Where vehicles stood, one row a halt. `is_ride_end` marks where somebody got on or off, `is_tap` where
    a rider said that there is a stop."""

    line_index: IntArray
    ride_index: IntArray
    xy_m: FloatArray
    heading: FloatArray
    start_s: FloatArray
    duration_s: FloatArray
    is_ride_end: BoolArray
    is_tap: BoolArray

    def __len__(self) -> int:
        return len(self.line_index)


@dataclass(frozen=True, eq=False)
class Stops(Columns):
    """Places where vehicles halt for people, one per side of the street.

    `heading_deg` is the direction of travel (clockwise from north), `spread_m` the uncertainty of the
    position, `n_*` the evidence, `confidence` the probability that the stop exists. `name` is empty
    where nobody has told it. `last_day` is the last local day of a ride behind it (days since 1970-01-01), -1
    where it was not counted.
    """

    lat_deg: FloatArray
    lon_deg: FloatArray
    heading_deg: FloatArray
    spread_m: FloatArray
    n_rides: IntArray
    n_riders: IntArray
    n_days: IntArray
    confidence: FloatArray
    name: tuple[str, ...]
    last_day: IntArray = field(default_factory=_not_counted)

    def __post_init__(self) -> None:
        _unknown(self, len(self), "last_day")
        super().__post_init__()

    def __len__(self) -> int:
        return len(self.lat_deg)


@dataclass(frozen=True, eq=False)
class Shapes(Columns):
    """Consensus lines, ragged: points `point_start[i]:point_start[i+1]`; `along_m` runs from 0 up."""

    point_start: IntArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    along_m: FloatArray

    def __len__(self) -> int:
        return len(self.point_start) - 1


@dataclass(frozen=True, eq=False)
class Streets(Columns):
    """A street map an operator supplies: straight directed pieces between nodes.

    Piece i runs from node `piece_from[i]` to node `piece_to[i]`; a two-way street has two.
    """

    lat_deg: FloatArray
    lon_deg: FloatArray
    piece_from: IntArray
    piece_to: IntArray

    def __len__(self) -> int:
        return len(self.piece_from)


@dataclass(frozen=True, eq=False)
class Patterns(Columns):
    """Ordered chains of stops that vehicles run; row i has shape i.

    Ragged by `call_start`: `stop_index` (rows of Stops), `along_m` (metres along the shape), `run_s` (seconds
    since the first stop, mean of the middle 80 %, strictly increasing), `run_spread_s` (half the 10-90 %
    range, NaN where only one vehicle was timed) and `call_n_riders` (people of this pattern who were aboard
    there). `direction_id` is 0 or 1 as in GTFS, `headsign` is empty where unknown. `last_day` is as in Stops.
    """

    route_index: IntArray
    direction_id: IntArray
    n_rides: IntArray
    n_riders: IntArray
    n_days: IntArray
    confidence: FloatArray
    headsign: tuple[str, ...]
    call_start: IntArray
    stop_index: IntArray
    along_m: FloatArray
    run_s: FloatArray
    run_spread_s: FloatArray
    call_n_riders: IntArray
    last_day: IntArray = field(default_factory=_not_counted)

    def __post_init__(self) -> None:
        _unknown(self, len(self), "last_day")
        super().__post_init__()

    def __len__(self) -> int:
        return len(self.route_index)


@dataclass(frozen=True, eq=False)
class Routes(Columns):
    """Groups of patterns riders call one line. `short_name` is the riders' vote, empty without one.

    `share_label` is the share of labelled rides that agree with the name (NaN where nobody labelled).
    """

    short_name: tuple[str, ...]
    long_name: tuple[str, ...]
    share_label: FloatArray

    def __len__(self) -> int:
        return len(self.short_name)


@dataclass(frozen=True, eq=False)
class Headways(Columns):
    """How often a pattern ran, by day type and window, with the interval that the evidence allows.

    `start_s` and `end_s` are seconds of the service day in local time, windows of one pattern and day type
    are disjoint. Of all true headways 80 % lie within `low_s` and `high_s`. `is_bound` says that the interval
    is too wide to name a headway: it is unknown, and `headway_s` is the upper end, at most an hour by
    convention. The true one may be longer. `n_riders` people saw the vehicles on `n_days`, the last of them
    `last_day` as in Stops; -1 where it was not counted.
    """

    pattern_index: IntArray
    day_type: IntArray
    start_s: IntArray
    end_s: IntArray
    headway_s: FloatArray
    low_s: FloatArray
    high_s: FloatArray
    n_vehicles: IntArray
    is_bound: BoolArray
    n_riders: IntArray = field(default_factory=_not_counted)
    n_days: IntArray = field(default_factory=_not_counted)
    last_day: IntArray = field(default_factory=_not_counted)

    def __post_init__(self) -> None:
        _unknown(self, len(self), "n_riders", "n_days", "last_day")
        super().__post_init__()

    def __len__(self) -> int:
        return len(self.pattern_index)


@dataclass(frozen=True, eq=False)
class HopTimes(Columns):
    """How long vehicles took from one call to the next, by day type and window.

    `call_index` is the row of the hop's first call among the calls of Patterns; `start_s` and `end_s` are as
    in Headways, by the time at that call. `run_s` is a mean without the extremes, `spread_s` half the 10-90 %
    range over `n_vehicles` vehicles.
    """

    call_index: IntArray
    day_type: IntArray
    start_s: IntArray
    end_s: IntArray
    run_s: FloatArray
    spread_s: FloatArray
    n_vehicles: IntArray

    def __len__(self) -> int:
        return len(self.call_index)


def no_hops() -> HopTimes:
    """No row: nobody was timed, or the network was kept before hops were."""
    rows, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    return HopTimes(rows, rows, rows, rows, none, none, rows)


@dataclass(frozen=True, eq=False)
class HopWitnesses(Columns):
    """Who rode all the way from one call of a pattern to a later one: a row for each way that somebody did.

    `call_index` and `next_index` are rows of the calls of Patterns: neighbours, or those on either side of
    stops that too few people used to be published. `last_day` is as in Stops.
    """

    call_index: IntArray
    next_index: IntArray
    n_vehicles: IntArray
    n_rides: IntArray
    n_riders: IntArray
    n_days: IntArray
    last_day: IntArray

    def __len__(self) -> int:
        return len(self.call_index)


def no_hop_witnesses() -> HopWitnesses:
    """No row: nobody rode, or the network was kept before it was counted."""
    return HopWitnesses(*[np.zeros(0, dtype=np.int64)] * 7)


@dataclass(frozen=True, eq=False)
class HailStretches(Columns):
    """Where people get on and off anywhere: from `start_m` to `end_m` of a pattern's shape no fixed place
    gathers the calls. `n_rides` began or ended there, by `n_riders` people; `confidence` is 0..1."""

    pattern_index: IntArray
    start_m: FloatArray
    end_m: FloatArray
    n_rides: IntArray
    n_riders: IntArray
    confidence: FloatArray

    def __len__(self) -> int:
        return len(self.pattern_index)


def no_hails() -> HailStretches:
    """No row: nobody was seen to hail, or the network was kept before hail-and-ride was looked for."""
    rows, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    return HailStretches(rows, none, none, rows, rows, none)


@dataclass(frozen=True, eq=False)
class Fares(Columns):
    """What riders say a ride on a route costs, in the city's currency: a row a route of which anybody spoke.

    `price` is NaN where they do not agree; `low` and `high` are the least and most that was said by
    `n_riders`, of whom `share_agreeing` say what most say.
    """

    route_index: IntArray
    price: FloatArray
    low: FloatArray
    high: FloatArray
    n_riders: IntArray
    share_agreeing: FloatArray

    def __len__(self) -> int:
        return len(self.route_index)


@dataclass(frozen=True, eq=False)
class StepFree(Columns):
    """Stops of which enough riders said whether a wheelchair can board there; of the others nobody knows."""

    stop_index: IntArray
    is_step_free: BoolArray
    n_riders: IntArray

    def __len__(self) -> int:
        return len(self.stop_index)


def no_fares() -> Fares:
    """Nobody said a fare."""
    none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Fares(none, nothing, nothing, nothing, none, nothing)


def no_step_free() -> StepFree:
    """Nobody said anything about steps."""
    none = np.zeros(0, dtype=np.int64)
    return StepFree(none, np.zeros(0, dtype=np.bool_), none)


@dataclass(frozen=True, eq=False)
class Network:
    """What the rides say about the city: facts, before any format.

    `timezone` is an IANA name. `first_day` and `last_day` (ISO dates, local) bound the evidence. Stops stand
    on `kerb_side` of the way of travel: `right`, `left`, or empty where it is not known.
    """

    stops: Stops
    routes: Routes
    patterns: Patterns
    shapes: Shapes
    headways: Headways
    timezone: str
    first_day: str
    last_day: str
    hops: HopTimes = field(default_factory=no_hops)
    hails: HailStretches = field(default_factory=no_hails)
    kerb_side: str = ""
    fares: Fares = field(default_factory=no_fares)
    step_free: StepFree = field(default_factory=no_step_free)
    hop_witnesses: HopWitnesses = field(default_factory=no_hop_witnesses)

    def is_terminal(self) -> BoolArray:
        """Which stops some pattern begins or ends at."""
        terminal = np.zeros(len(self.stops), dtype=bool)
        start = self.patterns.call_start
        terminal[self.patterns.stop_index[start[:-1]]] = True
        terminal[self.patterns.stop_index[start[1:] - 1]] = True
        return terminal


@dataclass(frozen=True, eq=False)
class Trips(Columns):
    """What each ride was: one row a ride, in the order of the rides that came in.

    `pattern_index` is -1 where the ride supports no pattern; `reason` then says why: NO_PATTERN, or what
    makes it none. `first_m` and `last_m`
    are the stretch of the pattern's shape that was ridden (NaN without a pattern); `board_call` and
    `alight_call` count calls within the pattern (-1 none); `confidence` is 0..1.
    """

    pattern_index: IntArray
    mode: IntArray
    first_m: FloatArray
    last_m: FloatArray
    board_call: IntArray
    alight_call: IntArray
    board_time_s: FloatArray
    alight_time_s: FloatArray
    confidence: FloatArray
    reason: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pattern_index)


IDS_VERSION = 2


def no_rows() -> IntArray:
    """A column of numbers without a row."""
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Ids(Columns):
    """Public ids, aligned with the rows of a Network, and what the next build needs to know them again.

    `next_*` are the numbers that the next new stop, route and pattern get: no id is ever used twice. The
    rest is a memory of the network in these ids: stop positions, route names, the chain of stops of each
    pattern (ragged by `call_start`) and its line (ragged by `line_start`, a point every 100 m or so). Behind
    the rows of the network stand those of `gone_*_id`: what was in an earlier feed, `gone_*_feeds` feeds ago.
    """

    stop_id: tuple[str, ...]
    route_id: tuple[str, ...]
    pattern_id: tuple[str, ...]
    shape_id: tuple[str, ...]
    next_stop: int
    next_route: int
    next_pattern: int
    stop_lat_deg: FloatArray
    stop_lon_deg: FloatArray
    stop_heading_deg: FloatArray
    route_name: tuple[str, ...]
    route_index: IntArray
    call_start: IntArray
    stop_index: IntArray
    line_start: IntArray
    line_lat_deg: FloatArray
    line_lon_deg: FloatArray
    gone_stop_id: tuple[str, ...] = ()
    gone_route_id: tuple[str, ...] = ()
    gone_pattern_id: tuple[str, ...] = ()
    gone_stop_feeds: IntArray = field(default_factory=no_rows)
    gone_route_feeds: IntArray = field(default_factory=no_rows)
    gone_pattern_feeds: IntArray = field(default_factory=no_rows)

    def trip_id(self, pattern_index: int, day_type: int) -> str:
        """The id of a pattern's template trip on a day type (index of DAY_TYPES)."""
        return f"{self.pattern_id[pattern_index]}-{SERVICE_IDS[day_type]}"

    def to_json(self) -> str:
        """All columns as one JSON object with sorted keys; the same ids give the same text."""
        plain: JsonObject = {"ids_version": IDS_VERSION}
        for column in fields(self):
            value = getattr(self, column.name)
            plain[column.name] = value.tolist() if isinstance(value, np.ndarray) else value
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Ids:
        """The ids that `to_json` wrote, now or when it did not remember yet what is gone (version 1).

        Raises:
            ValueError: the text is no JSON, of another version, or lacks a column.
        """
        found = json.loads(text)
        version = found.pop("ids_version", None) if isinstance(found, dict) else None
        if version not in (1, IDS_VERSION):
            raise ValueError(f"ids: not a JSON object of ids_version 1 or {IDS_VERSION}")
        names = {column.name: str(column.type) for column in fields(cls)}
        if version == 1:
            found = {name: [] for name in names if name.startswith("gone_")} | found
        if set(found) != set(names):
            raise ValueError(f"ids: columns {sorted(set(found) ^ set(names))} missing or unknown")
        return cls(**{name: _as_column(kind, found[name]) for name, kind in names.items()})


def shape_id_of(pattern_id: str) -> str:
    """The id of a pattern's shape: `P5-line` of our own `P5`, else what an official feed calls it."""
    own = pattern_id[:1] == "P" and pattern_id[1:].isdecimal()
    return f"{pattern_id}-line" if own else pattern_id.removesuffix(OFFICIAL)


def pattern_id_of(shape_id: str) -> str:
    """The pattern whose shape it is, for a shape of any feed: `shape_id_of` gives the shape back."""
    own = shape_id.removesuffix("-line")
    if own != shape_id and shape_id_of(own) == shape_id:
        return own
    return shape_id if shape_id_of(shape_id) == shape_id else f"{shape_id}{OFFICIAL}"


OFFICIAL = "~"
"""Ends the id of a pattern after whose shape alone it would be taken for one of ours."""


def segment_ids(pattern_id: str, stop_id: Sequence[str]) -> list[str]:
    """The id of the way from each call of a pattern to the next: `P1 S3 S4`, the second time `P1 S3 S4 2`."""
    pairs = [f"{pattern_id} {here} {there}" for here, there in zip(stop_id[:-1], stop_id[1:], strict=True)]
    before = [pairs[:k].count(pair) for k, pair in enumerate(pairs)]
    return [f"{pair} {n + 1}" if n else pair for pair, n in zip(pairs, before, strict=True)]


def _as_column(kind: str, value: Any) -> Any:
    """A JSON value as the type its column is declared with."""
    if kind == "IntArray":
        return np.asarray(value, dtype=np.int64)
    if kind == "FloatArray":
        return np.asarray(value, dtype=np.float64)
    return tuple(value) if kind.startswith("tuple") else int(value)


@dataclass(frozen=True)
class Claims:
    """What an official feed calls the rows of Ids, "" where it does not know them, and all ids it uses.

    One to one. A pattern is known by its shape, where no other pattern of the official feed has that shape.
    """

    stop_id: tuple[str, ...]
    route_id: tuple[str, ...]
    shape_id: tuple[str, ...]
    all_stop_ids: frozenset[str]
    all_route_ids: frozenset[str]
    all_shape_ids: frozenset[str]


@dataclass(frozen=True, eq=False)
class Passes(Columns):
    """Rides on published patterns: from `first_m` to `last_m` of the shape of each."""

    pattern_index: IntArray
    first_m: FloatArray
    last_m: FloatArray


@dataclass(frozen=True, eq=False)
class Segments(Columns):
    """What rides are evidence of: about 100 m of a route in a direction, on a local day, a row each.

    `segment` is a keyed hash of (route, direction, cell); `route_index` is -1 on new ground, where no known
    route runs. `day` counts local days since 1970-01-01. `length_mm` is what the ride covered of the segment,
    `worth_mm` the same weighted by quality, at most as long; whole millimetres, so that sums are exact.
    A row of length 0 only says that the ride was close by: it is never paid, but counts as observed.
    """

    ride_index: IntArray
    route_index: IntArray
    direction_id: IntArray
    segment: IntArray
    day: IntArray
    length_mm: IntArray
    worth_mm: IntArray

    def __len__(self) -> int:
        return len(self.segment)


@dataclass(frozen=True)
class Rules:
    """How knowledge is paid: published data, `points/rules.toml` explains each.

    Weights, shares and factors (`_permille`) are whole thousandths. `shadow` are the detectors (of DETECTORS)
    whose findings are noted and withhold nothing.
    """

    version: str
    millipoints_per_km: int
    observer_weights: tuple[int, ...]
    max_millipoints_per_day: int
    provisional_permille: int
    confirm_voices: int
    group_max: int
    outside_permille: int
    trust_millipoints: int
    fresh_after_days: int
    fresh_full_days: int
    fresh_permille: int
    mission_permille: int
    equity_permille: int
    label_millipoints: int
    labels_per_ride: int
    review_millipoints: int
    reviews_per_day: int
    min_segment_m: float
    segment_m: float
    near_m: float
    full_interval_s: float
    max_interval_s: float
    full_accuracy_m: float
    max_accuracy_m: float
    unknown_accuracy: float
    shadow: tuple[str, ...] = ()

    @property
    def measure(self) -> tuple[float, ...]:
        """The rules by which rides are measured: one installation has one measure, whatever campaigns pay."""
        return (
            self.fresh_after_days,
            self.min_segment_m,
            self.segment_m,
            self.near_m,
            self.full_interval_s,
            self.max_interval_s,
            self.full_accuracy_m,
            self.max_accuracy_m,
            self.unknown_accuracy,
        )


@dataclass(frozen=True)
class Terms:
    """What a ride's worth is multiplied by (thousandths) and how much its rider may still get that day.

    `also` are other accounts of the same person: what these observed is not new to the rider either.
    """

    mission_id: int = 0
    mission_permille: int = 1000
    equity_permille: int = 1000
    left_millipoints: int | None = None
    also: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Observed(Columns):
    """Who counts as an observer of what, of all rides that do: a row for each ride and segment it counts on.

    `place` says how many counted on the segment before (0 first), `worth_mm` is as in Segments. A `user_id`
    below 0 is somebody who was erased: nobody knows who.
    """

    ride_index: IntArray
    user_id: IntArray
    segment: IntArray
    day: IntArray
    worth_mm: IntArray
    place: IntArray

    def __len__(self) -> int:
        return len(self.segment)


@dataclass(frozen=True)
class Voices:
    """Who speaks with whom, by user id, each named by the smallest user id of those who are one.

    Accounts of one `person` are paid once; people of one `group` confirm one another within limits. Whoever
    is not named speaks for themselves. `met` are the people whom somebody of the staff knows; None is all.
    """

    person: dict[int, int] = field(default_factory=dict)
    group: dict[int, int] = field(default_factory=dict)
    met: frozenset[int] | None = None

    def speaks(self, observed: Observed) -> BoolArray:
        """Which rows say something: worth something, of somebody known, and of the account that came first
        of its person's on the segment. That account may come again, where what was known grew old."""
        person = named(observed.user_id, self.person)
        says = np.flatnonzero((observed.worth_mm > 0) & (observed.user_id >= 0))
        order = says[np.lexsort((observed.place[says], person[says], observed.segment[says]))]
        keys = np.column_stack([observed.segment[order], person[order]])
        begins = np.ones(len(order), dtype=bool)
        begins[1:] = (keys[1:] != keys[:-1]).any(axis=1)
        account = observed.user_id[order][begins][np.cumsum(begins) - 1]
        found = np.zeros(len(observed), dtype=bool)
        found[order[observed.user_id[order] == account]] = True
        return found


def named(user_id: IntArray, names: dict[int, int]) -> IntArray:
    """The name of each user, their own id where they have none."""
    users, back = np.unique(user_id, return_inverse=True)
    return np.array([names.get(one, one) for one in users.tolist()], dtype=np.int64)[back]


@dataclass(frozen=True)
class Confirm:
    """When what a ride saw is confirmed, and how much is paid before; shares and weights are thousandths.

    A segment needs `confirm_voices` independent voices. Of what is confirmed of a person at least
    `outside_permille` must be seen by others than the up to `group_max` people who confirm one another most;
    but `trust_worth` (millimetres times thousandths) counts of each person and campaign in any case.
    Whoever saw a segment more than `stale_days` before a ride knows that there is a line, not that the ride
    was, as an official feed does. The rest waits.
    """

    confirm_voices: int = 2
    provisional_permille: int = 250
    group_max: int = 12
    outside_permille: int = 667
    observer_weights: tuple[int, ...] = (1000, 800, 400)
    trust_worth: int = 0
    stale_days: int = 10**6

    def weights(self, place: IntArray) -> IntArray:
        """What the observer in each place is paid: beyond the list half of the one before, rounded down.

        At least 1, since whoever sees again what grew old counts however many came before.
        """
        listed = np.array(self.observer_weights, dtype=np.int64)
        beyond = np.clip(place - len(listed) + 1, 0, 60)
        return np.asarray(np.maximum(listed[np.minimum(place, len(listed) - 1)] >> beyond, 1), dtype=np.int64)


@dataclass(frozen=True)
class Award:
    """What one rule pays for one ride, with the numbers it rests on and a sentence for the rider.

    `millipoints` are what is paid at once; `evidence["full_millipoints"]` is what it is worth once confirmed.
    """

    rule: str
    millipoints: int
    evidence: dict[str, Any]
    text_es: str
    text_en: str


SHADOW = "shadow"
DETECTORS = {
    "copy": "hard",
    "copy_redated": "hard",
    "alike": "soft",
    "jump": "hard",
    "too_fast": "hard",
    "even_speed": "hard",
    "steady": "soft",
    "smooth": "soft",
    "on_line": "hard",
    "white_noise": "hard",
    "two_places": "hard",
    "mock": "hard",
    "future": "hard",
    "old": "soft",
    "car": "soft",
}
"""What `points.suspicion` can find about a ride -> its tier, unless rules put it in shadow."""


@dataclass(frozen=True)
class Finding:
    """Something about a ride that cannot be, or that people should look at.

    `tier` is `hard` (its points are withheld), `soft` (their confirmation waits for a reviewer) or `shadow`
    (it is noted, and nothing follows until a reviewer upholds it); `score` is 0..1, `evidence` the numbers it
    rests on. `other_ride_id` is the ride that it copies, or empty.
    """

    code: str
    tier: str
    score: float
    evidence: dict[str, Any]
    other_ride_id: str
    text_es: str
    text_en: str


class HeldBack(NamedTuple):
    """`n` of `n_all` things of a kind that are not published, and why: they rest on fewer than `min_riders`
    people, or nothing published needs them."""

    kind: str
    reason: str
    n: int
    n_all: int
    min_riders: int


@dataclass(frozen=True)
class Notice:
    """One finding about a feed. `severity` is error, warning or info; `row` is the line in `file`, 0 none."""

    rule: str
    severity: str
    file: str
    row: int
    message: str
    values: tuple[str, ...] = ()


Tables = dict[str, dict[str, list[str]]]
"""A feed before it is packed: GTFS file name -> column name -> values as they will be written."""

JsonObject = dict[str, Any]
