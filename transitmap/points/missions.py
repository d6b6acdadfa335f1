"""Segments by route, direction and day part -> gaps -> missions: what is paid more because it lacks."""

from __future__ import annotations

import datetime
import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from transitmap.model import FloatArray, IntArray, Segments

DAY_PARTS = ("weekday_morning", "weekday_midday", "weekday_evening", "saturday", "sunday", "night")
ASKED = DAY_PARTS[:-1]
"""Nobody is sent out at night, and a line that nobody saw at night may not run then."""
DAY_STARTS_H, MIDDAY_H, EVENING_H, NIGHT_H = 5, 10, 16, 21
NOBODY, ONE, PARTLY, STALE = WHYS = ("nobody", "one", "partly", "stale")
"""Why a cell is a gap: no observer yet, fewer than it needs, seen in part, not seen for long."""
NOT_OPEN, HELD, MINE, TOO_MANY, LAPSED = "not_open", "held", "mine", "too_many", "lapsed"
RIDE_FIRST = "ride_first"
EARTH_M_PER_DEG = 111_195.0
N_PLACES = 12
CORRIDOR_M, AT_PLACE_M = 400.0, 150.0
TRIES = 400
PAID_ONCE = 1_000

Key = tuple[int, int]
"""(route_index, direction_id) of a network."""


@dataclass(frozen=True)
class MissionRules:
    """What is a gap and what a mission pays: published with the other rules, frozen during a campaign.

    A cell needs `n_observers` independent people. A ride is one where it covers `min_share_permille` of the
    route in its direction; all observers together must have seen `full_permille` of it. After `stale_days`
    it needs one again. A ride of a mission is worth up to `max_bonus_permille` of what it would be, less the
    more is known, and `stale_bonus_permille` where all is known and old. Squares of `area_m` have
    `area_budget_permille` to give above what every ride gets. Of all missions `check_permille` are checks. A
    mission is open for `open_days`; one rider holds at most `max_held`, each for `hold_s`, and reserves
    no more from one ride that earned something to the next.
    """

    n_observers: int = 2
    min_share_permille: int = 200
    full_permille: int = 800
    stale_days: int = 90
    max_bonus_permille: int = 2_000
    stale_bonus_permille: int = 1_600
    area_m: float = 2_000.0
    area_budget_permille: int = 10_000
    check_permille: int = 40
    open_days: int = 14
    hold_s: float = 172_800.0
    max_held: int = 3


@dataclass(frozen=True)
class Cell:
    """A route in one direction in one part of the day, and what is known of it.

    `seen_permille` is the share of its segments that were observed as often as is needed, those observed
    half as often counting half. `last_day` counts local days since 1970-01-01, -1 where nobody rode.
    """

    route_index: int
    direction_id: int
    day_part: str
    n_rides: int
    n_observers: int
    seen_permille: int
    last_day: int


@dataclass(frozen=True)
class Gap:
    """A cell that lacks something: how many more rides, why, and what one of them is worth."""

    cell: Cell
    why: str
    n_needed: int
    bonus_permille: int


@dataclass(frozen=True)
class Way:
    """A route in one direction as the public knows it; `places` are its stops (lat, lon) in order."""

    route_id: str
    name: str
    direction_id: int
    headsign: str
    places: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Mission:
    """What a mission asks, before it has a row. `evidence` holds what the list says of it."""

    route_id: str
    direction_id: int
    day_part: str
    lat_deg: float
    lon_deg: float
    n_needed: int
    bonus_permille: int
    is_check: bool
    evidence: dict[str, Any]


class Offer(Protocol):
    """A row of missions. It is open for rides that begin in `made_s <= time < closes_s` (None is never)."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def route_id(self) -> str:
        """The route that is asked for."""

    @property
    def direction_id(self) -> int:
        """0 or 1."""

    @property
    def day_part(self) -> str:
        """The part of the day."""

    @property
    def bonus_permille(self) -> int:
        """What a ride is worth more for it."""

    @property
    def is_check(self) -> bool:
        """Whether the answer is known already."""

    @property
    def made_s(self) -> float:
        """From when on it counts."""

    @property
    def closes_s(self) -> float | None:
        """Until when, if ever."""

    @property
    def evidence(self) -> dict[str, Any]:
        """What it was made of."""


class Hold(Protocol):
    """A row of reservations: this rider's alone in `from_s <= time < until_s`."""

    @property
    def mission_id(self) -> int:
        """What is held."""

    @property
    def user_id(self) -> int:
        """Who holds it."""

    @property
    def from_s(self) -> float:
        """From when on."""

    @property
    def until_s(self) -> float:
        """Until when."""


Offered = TypeVar("Offered", bound=Offer)
Thing = TypeVar("Thing")


def day_part_of(time_s: float, timezone: str) -> str:
    """The part of the day, by the city's clock. Holidays are the days of the week they fall on."""
    zone = ZoneInfo(timezone) if timezone else datetime.UTC
    local = datetime.datetime.fromtimestamp(time_s, zone)
    if not DAY_STARTS_H <= local.hour < NIGHT_H:
        return "night"
    if local.weekday() >= 5:
        return ("saturday", "sunday")[local.weekday() - 5]
    return DAY_PARTS[(local.hour >= MIDDAY_H) + (local.hour >= EVENING_H)]


# --- what is known -------------------------------------------------------------------------------


def count_cells(
    segments: Segments,
    voice: IntArray,
    day_part: Sequence[str],
    n_segments: Mapping[Key, int],
    rules: MissionRules,
) -> tuple[tuple[Cell, ...], IntArray]:
    """Every asked cell of every route and direction in `n_segments`; and which of them each ride observes.

    `voice` and `day_part` have an entry a ride: who speaks (accounts that are one voice have one number),
    and when. People are independent on different days, so observers are the fewer of people and days: up to
    two that is exact, as two people and two days always pair up. A ride that observes no cell has -1.
    """
    keys = sorted(n_segments)
    length = np.repeat([n_segments[key] for key in keys], len(ASKED)).astype(np.int64)
    rows, cell = _cell_of(segments, day_part, keys)
    ride, day = segments.ride_index[rows], segments.day[rows]
    place = np.unique(segments.segment[rows], return_inverse=True)[1].reshape(-1)
    ridden, began = np.full((2, len(voice)), -1, dtype=np.int64)
    ridden[ride], began[ride] = cell, day
    observed = np.where(_covers(ride, place, length, ridden, rules), ridden, -1)
    seen = _seen(cell, place, voice[ride], day, len(length), rules.n_observers)
    permille = 1_000 * seen // np.maximum(length * rules.n_observers, 1)
    last = np.full(len(length), -1, dtype=np.int64)
    np.maximum.at(last, ridden[ridden >= 0], began[ridden >= 0])
    n_rides = np.bincount(ridden[ridden >= 0], minlength=len(length))
    observers = np.minimum(_n_distinct(observed, voice, length), _n_distinct(observed, began, length))
    columns = (n_rides, observers, np.minimum(permille, 1_000), last)
    found = zip(*(column.tolist() for column in columns), strict=True)
    names = [(*key, part) for key in keys for part in ASKED]
    return tuple(Cell(*name, *row) for name, row in zip(names, found, strict=True)), observed


def _cell_of(segments: Segments, day_part: Sequence[str], keys: Sequence[Key]) -> tuple[IntArray, IntArray]:
    """The rows that say something of a cell, and the number of that cell."""
    number = {key: nth * len(ASKED) for nth, key in enumerate(keys)}
    part = np.array([ASKED.index(name) if name in ASKED else -1 for name in day_part], dtype=np.int64)
    code = 2 * segments.route_index + segments.direction_id
    codes, back = np.unique(code, return_inverse=True)
    first = np.array([number.get((one // 2, one % 2), -1) for one in codes.tolist()], dtype=np.int64)
    cell, when = first[back.reshape(-1)], part[segments.ride_index]
    rows = np.flatnonzero((cell >= 0) & (when >= 0) & (segments.worth_mm > 0))
    return rows, (cell + when)[rows]


def _covers(ride: IntArray, place: IntArray, length: IntArray, ridden: IntArray, rules: MissionRules) -> Any:
    """Which rides cover enough of their route to be observers of their cell."""
    n_places = int(place.max(initial=0)) + 1
    covered = np.bincount(np.unique(ride * n_places + place) // n_places, minlength=len(ridden))
    return (ridden >= 0) & (1_000 * covered >= rules.min_share_permille * length[ridden])


def _n_distinct(cell: IntArray, what: IntArray, length: IntArray) -> IntArray:
    """For each cell how many different things stand beside it."""
    pairs = np.unique(np.column_stack([cell, what])[cell >= 0], axis=0)
    return np.bincount(pairs[:, 0], minlength=len(length))


def _seen(
    cell: IntArray, place: IntArray, who: IntArray, day: IntArray, n_cells: int, n_needed: int
) -> IntArray:
    """For each cell the sum over its segments of their observers, at most so many as are needed."""
    both = np.unique(cell * (int(place.max(initial=0)) + 1) + place, return_inverse=True)[1].reshape(-1)
    observers = np.minimum(_n_beside(both, who), _n_beside(both, day))
    where = np.zeros(len(observers), dtype=np.int64)
    where[both] = cell
    total = np.zeros(n_cells, dtype=np.int64)
    np.add.at(total, where, np.minimum(observers, n_needed))
    return total


def _n_beside(row: IntArray, what: IntArray) -> IntArray:
    """For each number of `row` how many different `what` there are."""
    different, small = np.unique(what, return_inverse=True)
    n = max(len(different), 1)
    return np.bincount(np.unique(row * n + small.reshape(-1)) // n)


# --- what lacks ----------------------------------------------------------------------------------


def gaps_of(cells: Iterable[Cell], today: int, rules: MissionRules) -> tuple[Gap, ...]:
    """The cells that need another ride on the local day `today`, in their order."""
    return tuple(gap for cell in cells if (gap := _gap_of(cell, today, rules)) is not None)


def _gap_of(cell: Cell, today: int, rules: MissionRules) -> Gap | None:
    lacking = rules.n_observers - cell.n_observers
    bonus = _bonus(cell.seen_permille, rules)
    if lacking > 0:
        why = ONE if cell.n_observers else PARTLY if cell.n_rides else NOBODY
        return Gap(cell, why, lacking, bonus)
    if cell.seen_permille < rules.full_permille:
        return Gap(cell, PARTLY, 1, bonus)
    if today - cell.last_day >= rules.stale_days:
        return Gap(cell, STALE, 1, max(bonus, rules.stale_bonus_permille))
    return None


def _bonus(seen_permille: int, rules: MissionRules) -> int:
    """From the highest, where nothing is known, down to no bonus, where all is."""
    return PAID_ONCE + (rules.max_bonus_permille - PAID_ONCE) * (1_000 - seen_permille) // 1_000


# --- missions ------------------------------------------------------------------------------------


def make_missions(
    gaps: Iterable[Gap], ways: Mapping[Key, Way], rules: MissionRules, spent: Iterable[Offer] = ()
) -> tuple[Mission, ...]:
    """The gaps worth most that the budget of each area allows, beside the missions that it is `spent` on.

    Ways that the public does not know have none: a mission there would tell of the few who rode.
    """
    left: dict[tuple[int, int], int] = {}
    there = set()
    for offer in spent:
        there.add((offer.route_id, offer.direction_id, offer.day_part))
        _take(left, offer.evidence["places"][0], offer.bonus_permille, rules)
    made = []
    for gap in sorted(gaps, key=lambda gap: -gap.bonus_permille):
        way = ways.get((gap.cell.route_index, gap.cell.direction_id))
        if way is None or not way.places or (way.route_id, way.direction_id, gap.cell.day_part) in there:
            continue
        if _take(left, way.places[0], gap.bonus_permille, rules):
            made.append(_mission(gap, way))
    return tuple(made)


def _take(left: dict[tuple[int, int], int], place: Sequence[float], bonus: int, rules: MissionRules) -> bool:
    """Whether the area has so much left; then it has that much less."""
    area = area_of(place[0], place[1], rules.area_m)
    rest = left.get(area, rules.area_budget_permille) - (bonus - PAID_ONCE)
    if rest >= 0:
        left[area] = rest
    return rest >= 0


def area_of(lat_deg: float, lon_deg: float, area_m: float) -> tuple[int, int]:
    """The row and column of the square of the earth, as wide as high, that a place lies in."""
    height_deg = area_m / EARTH_M_PER_DEG
    row = math.floor(lat_deg / height_deg)
    width_deg = height_deg / max(math.cos(math.radians((row + 0.5) * height_deg)), 1e-3)
    return row, math.floor(lon_deg / width_deg)


def _mission(gap: Gap, way: Way) -> Mission:
    cell, places = gap.cell, _spread(way.places)
    evidence = {
        "why": gap.why,
        "name": way.name,
        "headsign": way.headsign,
        "n_rides": cell.n_rides,
        "n_observers": cell.n_observers,
        "seen_permille": cell.seen_permille,
        "last_day": cell.last_day,
        "places": _told(places),
    }
    asked = way.route_id, way.direction_id, cell.day_part, *places[0], gap.n_needed, gap.bonus_permille
    return Mission(*asked, is_check=False, evidence=evidence)


def _spread(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most N_PLACES of them, evenly, with the first and the last."""
    if len(places) <= N_PLACES:
        return list(places)
    return [places[round(k * (len(places) - 1) / (N_PLACES - 1))] for k in range(N_PLACES)]


def _told(places: Sequence[tuple[float, float]]) -> list[list[float]]:
    """Places to the metre: they are stops that everybody may know."""
    return [[round(lat_deg, 5), round(lon_deg, 5)] for lat_deg, lon_deg in places]


# --- checks --------------------------------------------------------------------------------------


def commitment(seed: bytes) -> str:
    """What is published of a seed while nobody may know it: afterwards it proves that the seed was this."""
    return hashlib.sha256(seed).hexdigest()


def n_checks(n_missions: int, rules: MissionRules) -> int:
    """How many checks stand among so many missions: one at least, once a list hides it."""
    return max(n_missions * rules.check_permille // 1_000, int(n_missions >= 10 and rules.check_permille > 0))


def draw_checks(missions: Sequence[Mission], ways: Iterable[Way], n: int, seed: bytes) -> tuple[Mission, ...]:
    """Missions for routes that do not exist, each as another mission but for its route and its way.

    Their ids continue those there are, their places are stops that are known, in an order in which no known
    route passes them. The same seed draws the same. Fewer than `n` where the city is too small for more.
    """
    rng = np.random.default_rng(list(hashlib.sha256(seed).digest()))
    known = sorted((way for way in ways if way.places), key=lambda way: (way.route_id, way.direction_id))
    stops = sorted({place for way in known for place in way.places})
    taken = {way.route_id for way in known} | {way.name for way in known}
    found: list[Mission] = []
    for _ in range(TRIES if missions and len(stops) > 3 else 0):
        if len(found) == n:
            break
        places = _no_way(rng, stops, known)
        if places:
            found.append(_ghost(rng, _any(rng, missions), _any(rng, known), places, taken))
    return tuple(found)


def _no_way(
    rng: np.random.Generator, stops: Sequence[tuple[float, float]], ways: Sequence[Way]
) -> list[tuple[float, float]]:
    """Stops along a straight corridor, as long as some way, that no way follows; empty where it is none."""
    here, there, like = _any(rng, stops), _any(rng, stops), _any(rng, ways).places
    length_m, wanted_m = distance_m(*here, *there), distance_m(*like[0], *like[-1])
    if length_m < 500 or not 0.5 * wanted_m <= length_m <= 2 * max(wanted_m, 500):
        return []
    places = _spread(_corridor(np.array(stops), here, there))
    if len(places) < 3 or any(_follows(way.places, places) for way in ways):
        return []
    return places


def _any(rng: np.random.Generator, many: Sequence[Thing]) -> Thing:
    return many[int(rng.integers(len(many)))]


def _corridor(
    stops: FloatArray, here: tuple[float, float], there: tuple[float, float]
) -> list[tuple[float, float]]:
    """The stops near the straight line between two of them, in the order in which it passes."""
    scale = np.array([1.0, math.cos(math.radians(here[0]))]) * EARTH_M_PER_DEG
    xy_m, end_m = (stops - here) * scale, (np.array(there) - here) * scale
    share = xy_m @ end_m / (end_m @ end_m)
    off_m = np.hypot(*(xy_m - share[:, None] * end_m).T)
    near = np.flatnonzero((off_m <= CORRIDOR_M) & (share >= 0) & (share <= 1))
    near = near[np.argsort(share[near], kind="stable")]
    return [(float(lat), float(lon)) for lat, lon in stops[near].tolist()]


def _follows(way: Sequence[tuple[float, float]], places: Sequence[tuple[float, float]]) -> bool:
    """Whether a way stops at half of the places, in either order."""
    return 2 * len(set(way) & set(places)) >= len(places)


def _ghost(
    rng: np.random.Generator, like: Mission, way: Way, places: list[tuple[float, float]], taken: set[str]
) -> Mission:
    route_id = _next_like(rng, way.route_id, taken)
    name = route_id if way.name == way.route_id else _next_like(rng, way.name, taken)
    taken |= {route_id, name}
    told = {"name": name, "headsign": way.headsign, "places": _told(places)}
    lat_deg, lon_deg = places[0]
    return replace(
        like,
        route_id=route_id,
        direction_id=way.direction_id,
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        is_check=True,
        evidence=like.evidence | told,
    )


def _next_like(rng: np.random.Generator, text: str, taken: set[str]) -> str:
    """A text like it that is not taken: another last number, or one more word of one letter."""
    numbers = list(re.finditer(r"[0-9]+", text))
    for _ in range(50):
        if numbers:
            start, end = numbers[-1].span()
            made = f"{text[:start]}{int(rng.integers(1, 10 ** max(2, min(end - start, 9))))}{text[end:]}"
        else:
            made = f"{text} {chr(65 + int(rng.integers(26)))}"
        if made not in taken:
            return made
    return f"{text} {len(taken)}"


def claims_check(check: Offer, fixes_deg: FloatArray) -> bool:
    """Whether a ride (lat, lon) passes the places of a check in their order, as no known vehicle does.

    Ask only of rides that are no known route's. It says that somebody should look: a line that nobody knew
    may run there after all.
    """
    if len(fixes_deg) < 2:
        return False
    scale = np.array([1.0, math.cos(math.radians(float(fixes_deg[0, 0])))]) * EARTH_M_PER_DEG
    position, passed = 0, 0
    for place in check.evidence["places"]:
        off_m = np.hypot(*((fixes_deg[position:] - place) * scale).T)
        near = np.flatnonzero(off_m <= AT_PLACE_M)
        if len(near):
            position, passed = position + int(near[0]), passed + 1
    return 3 * passed >= 2 * len(check.evidence["places"])


# --- riders and missions -------------------------------------------------------------------------


def bonus_of(
    route_id: str,
    direction_id: int | None,
    day_part: str,
    user_id: int,
    time_s: float,
    missions: Iterable[Offer],
    reservations: Iterable[Hold],
) -> tuple[int, int | None]:
    """(thousandths that a ride is worth, the mission it is of): 1000 and None where it is of no mission.

    `time_s` is when the ride began, and rows are asked for that time alone, so the answer is the same in a
    replay. Who reserved a mission has it alone; one that nobody holds pays whoever rides. Of several the one
    that pays most counts, among equals the first made.
    """
    cell = route_id, direction_id, day_part
    held = [hold for hold in reservations if hold.from_s <= time_s < hold.until_s]
    for offer in sorted(missions, key=lambda offer: (-offer.bonus_permille, offer.id)):
        if offer.is_check or not is_open(offer, time_s):
            continue
        if (offer.route_id, offer.direction_id, offer.day_part) != cell:
            continue
        holders = {hold.user_id for hold in held if hold.mission_id == offer.id}
        if not holders or user_id in holders:
            return offer.bonus_permille, offer.id
    return PAID_ONCE, None


def is_open(offer: Offer, time_s: float) -> bool:
    """Whether a ride that begins then may be of the mission."""
    return offer.made_s <= time_s and (offer.closes_s is None or time_s < offer.closes_s)


def why_not(
    offer: Offer,
    user_id: int,
    reservations: Sequence[Hold],
    now_s: float,
    rules: MissionRules,
    ridden_s: float = 0.0,
) -> str:
    """Why a rider cannot reserve a mission now; empty where it is free.

    `reservations` are all of the mission and all of the rider. Who had it and did not ride leaves it to
    others for as long again as it was held. Between two rides that earned something, the last understood at
    `ridden_s`, a rider reserves no more than can be held at once: else accounts that never ride could hold
    all missions by turns.
    """
    if not is_open(offer, now_s):
        return NOT_OPEN
    held = [hold for hold in reservations if hold.from_s <= now_s < hold.until_s]
    holders = {hold.user_id for hold in held if hold.mission_id == offer.id}
    if holders:
        return MINE if user_id in holders else HELD
    mine = [hold for hold in reservations if hold.user_id == user_id]
    if len([hold for hold in mine if hold in held]) >= rules.max_held:
        return TOO_MANY
    if len([hold for hold in mine if hold.from_s >= ridden_s]) >= rules.max_held:
        return RIDE_FIRST
    before = [hold.until_s for hold in mine if hold.mission_id == offer.id]
    return LAPSED if before and now_s < max(before) + rules.hold_s else ""


def near(missions: Iterable[Offered], lat_deg: float, lon_deg: float) -> list[tuple[float, Offered]]:
    """(metres to the nearest of its places, mission), nearest first, those of one way together."""
    ways: dict[tuple[str, int], list[tuple[float, Offered]]] = {}
    for one in missions:
        away_m = min(distance_m(lat_deg, lon_deg, *place) for place in one.evidence["places"])
        ways.setdefault((one.route_id, one.direction_id), []).append((away_m, one))
    groups = sorted(
        ways.values(), key=lambda group: (min(away_m for away_m, _ in group), group[0][1].route_id)
    )
    return [pair for group in groups for pair in sorted(group, key=lambda pair: -pair[1].bonus_permille)]


def distance_m(lat_deg: float, lon_deg: float, other_lat_deg: float, other_lon_deg: float) -> float:
    """Metres between two places of one city."""
    east_deg = (other_lon_deg - lon_deg + 180.0) % 360.0 - 180.0
    east_m = east_deg * math.cos(math.radians((lat_deg + other_lat_deg) / 2))
    return math.hypot(east_m, other_lat_deg - lat_deg) * EARTH_M_PER_DEG
