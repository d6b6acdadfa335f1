"""Settings: one frozen dataclass a stage, read from TOML; unknown keys are refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from transitmap.errors import ConfigError


@dataclass(frozen=True)
class CollectConfig:
    """What one upload may be. The limits are absolute: a ratio guard would refuse honest standing logs.

    A ride reaches `min_reach_m`, or the phone did not move. Positions that lie in the operator's `area`
    ("south,west,north,east" in degrees, empty is the earth) only with their axes exchanged are told so. 0
    means no limit for `max_upload_bytes`, `max_unpacked_bytes` (all files of an archive together),
    `max_members` and `max_past_years`; files of one's own are read so (`collect.intake.for_files`).
    A service reads in a child process, which may take `max_read_bytes` and `max_read_cpu_s` for a body; it
    answers at once where that is no larger than `max_inline_bytes` and read within `max_inline_s`.
    """

    max_upload_bytes: int = 25_000_000
    max_unpacked_bytes: int = 200_000_000
    max_member_bytes: int = 200_000_000
    max_members: int = 50
    max_fixes: int = 1_000_000
    max_depth: int = 32
    max_attributes: int = 64
    max_name_chars: int = 200
    max_past_years: float = 10.0
    max_future_s: float = 86_400.0
    min_fixes: int = 2
    min_reach_m: float = 0.0
    trim_m: float = 0.0
    area: str = ""
    max_inline_bytes: int = 5_000_000
    max_inline_s: float = 20.0
    max_read_bytes: int = 512_000_000
    max_read_cpu_s: float = 30.0


@dataclass(frozen=True)
class LiveConfig:
    """What phones send message by message. A ride ends where a device is silent for `silence_s`, or has said
    so much that it waits no longer (`max_wait_s` from its first message, `max_waiting_bytes`). A message may
    have `max_batch_bytes` and `max_batch_fixes`; what it was is known for `known_s`, so that repetitions are.
    """

    silence_s: float = 900.0
    max_wait_s: float = 21_600.0
    max_waiting_bytes: int = 20_000_000
    max_batch_bytes: int = 1_000_000
    max_batch_fixes: int = 1_000
    known_s: float = 2_592_000.0


@dataclass(frozen=True)
class QuotaConfig:
    """What one rider may send on one day (UTC); 0 means no limit.

    Archives that unpack to more than `max_unpacked_bytes` in a day are kept and wait, a day at most.
    """

    max_uploads: int = 200
    max_messages: int = 100_000
    max_bytes: int = 250_000_000
    max_unpacked_bytes: int = 1_000_000_000
    max_fixes: int = 2_000_000


@dataclass(frozen=True)
class LimitConfig:
    """What a service allows a minute, all its workers together, and as many at once; 0 means no limit.

    Passwords tried for one name and from one network (/24 of IPv4, /48 of IPv6), accounts made and exports
    computed from one network; files of one rider that are understood at once, copies of all that is kept of
    one, requests for a second look and comments of one.
    """

    max_log_ins_a_name: int = 10
    max_log_ins: int = 60
    max_sign_ups: int = 20
    max_exports: int = 60
    max_uploads: int = 120
    max_own_data: int = 6
    max_appeals: int = 10
    max_comments: int = 6


@dataclass(frozen=True)
class RetentionConfig:
    """How long a service keeps things. `raw_days` is for what riders sent and was of use: 0 is for ever, and
    after it points can no longer be recomputed; `refused_days` for what was not. A blob that no row names
    goes after `orphan_days`. `ballast_bytes` are kept on the database's disk, to be given back when somebody
    must be erased and it is full; 0 keeps none.
    """

    raw_days: float = 0.0
    refused_days: float = 7.0
    orphan_days: float = 1.0
    ballast_bytes: int = 64_000_000


@dataclass(frozen=True)
class AreasConfig:
    """How far from the middle of most rides a ride may lie: one plane is good for about that far."""

    reach_m: float = 150_000.0


@dataclass(frozen=True)
class CopiesConfig:
    """When a ride is another one filed again."""

    min_positions: int = 5
    share_same: float = 0.6


@dataclass(frozen=True)
class LegsConfig:
    """Cutting a ride where its way of moving changes. A phone that writes only when it has moved (5 to 50 m)
    is silent while it stands: silence of up to `max_silence_s` within `still_m` is a stand, not a gap."""

    window_s: float = 10.0
    max_gap_s: float = 240.0
    max_silence_s: float = 1800.0
    still_m: float = 60.0
    max_halt_s: float = 240.0
    max_crawl_s: float = 150.0
    max_walk_m_s: float = 2.6
    min_vehicle_m: float = 250.0


@dataclass(frozen=True)
class LinesConfig:
    """Vehicle legs as lines. `step_m` is the resolution at which ways are compared, `near_m` how far apart
    two phones on one street may be (95 % of fixes lie within 15 m of the road, so two lie within 40 m)."""

    thin_m: float = 12.0
    step_m: float = 25.0
    seen_m: float = 40.0
    dense_m: float = 100.0
    place_m: float = 20.0
    near_m: float = 40.0
    max_speed_m_s: float = 45.0


@dataclass(frozen=True)
class PatternsConfig:
    """Which rides ran the same way. Counts are points of `LinesConfig.step_m`.

    A ride may continue a way if it shares `min_overlap` points with it and, unless its rider gives the same
    label, `share_overlap` of the shorter of both; sharing more than `max_context` tells no more. A way ends
    where of the `share_asked` (three rides at least) who came furthest along it less than `share_goes_on`
    go on: in the middle of a line most do. A ride runs along a way if that covers `share_fit` of it; one that
    none covers so far is the likeliest one's that covers `share_loose`.
    """

    max_gap_m: float = 250.0
    min_points: int = 12
    min_overlap: int = 6
    max_context: int = 100
    share_contained: float = 0.88
    share_overlap: float = 0.2
    share_asked: float = 0.3
    share_goes_on: float = 0.15
    share_fit: float = 0.84
    share_loose: float = 0.6
    min_support: float = 3.0


@dataclass(frozen=True)
class RoutesConfig:
    """Which patterns are one route."""

    near_m: float = 60.0
    share_same_label: float = 0.2
    ends_meet_m: float = 400.0
    share_way_back: float = 0.5
    share_variant: float = 0.6


@dataclass(frozen=True)
class ShapesConfig:
    """Consensus lines: `reach_m` is how far a fix may lie from the line to have a say, a value a pass.

    Fixes count one for each `thin_m` travelled, a line once a `stretch_m`, those off by `outlier_m` half, and
    those within `corner_m` of a corner less. Of more than `depth` lines side by side some are enough; where
    there are fewer, those of other paths on the same street help. Rides that began within `end_m` of the
    line's end began at it.
    """

    step_m: float = 10.0
    first_reach_m: float = 40.0
    last_reach_m: float = 20.0
    passes: int = 2
    simplify_m: float = 2.0
    thin_m: float = 25.0
    stretch_m: float = 50.0
    outlier_m: float = 12.0
    corner_m: float = 12.0
    end_m: float = 60.0
    fits: int = 4
    depth: int = 24


@dataclass(frozen=True)
class StopsConfig:
    """Where vehicles halt for people. Dwells are short (half of them 5 s or less), so evidence is added up
    over rides, in bins of `bin_m`, of what lies within `off_m` of a street and `near_m` of a place along it.
    A candidate needs `min_rating` halts, boardings and taps a passing vehicle, a stop the confidence
    `min_confidence`, none within `apart_m` of a better one. Halts of one vehicle within `once_m` are one.
    Where nothing else is known within `end_m` of a path's end, that is a stop of `end_confidence`.
    """

    bin_m: float = 5.0
    slow_m_s: float = 1.5
    off_m: float = 25.0
    near_m: float = 15.0
    once_m: float = 15.0
    context_m: float = 500.0
    min_rating: float = 0.05
    min_confidence: float = 0.65
    apart_m: float = 50.0
    end_m: float = 120.0
    end_confidence: float = 0.3


@dataclass(frozen=True)
class StraysConfig:
    """Which vehicles are cars: those that are one with probability `min_share`, since an honest ride lost
    costs three times what a car costs the map.

    `lost_s` lost within `near_m` of a stop are as likely a halt as not, half as much again is one (half of
    the dwells are 5 s or less, braking and starting cost as much again); stops within `beside_m` of a line
    are passed, but for `end_m` at its ends. `odds` are those of a car of which nothing is known, the last
    four the weights of what is (`strays.weigh`); `benchmarks/train_strays.py` learns the five on simulated
    cities.
    """

    min_share: float = 0.75
    near_m: float = 25.0
    beside_m: float = 35.0
    end_m: float = 60.0
    lost_s: float = 4.0
    odds: float = 0.052
    calls: float = 0.95
    boarding: float = 1.56
    alighting: float = 1.09
    pace: float = 0.58


@dataclass(frozen=True)
class HailsConfig:
    """When a stretch is told where people get on and off anywhere: how sure that must be, and how many people
    must have done so at least (one person's habit is that person's place), whatever `feed.min_riders` is."""

    min_confidence: float = 0.8
    min_riders: int = 3


@dataclass(frozen=True)
class TimesConfig:
    """Running times and headways. Two riders of a path who pass a place within `same_vehicle_s` sit in one
    vehicle. `leaving_error_s` is how exactly the leaving of a vehicle is known from a ride further on. A
    headway is told as such if its 80 % interval ends at no more than `max_interval_ratio` times its
    beginning."""

    min_headway_s: float = 60.0
    same_vehicle_s: float = 45.0
    leaving_error_s: float = 75.0
    max_interval_ratio: float = 4.0
    max_speed_m_s: float = 22.0
    unknown_speed_m_s: float = 5.0


@dataclass(frozen=True)
class FeedConfig:
    """What the feed says of its publisher, and what may be published.

    `country` (ISO 3166) has the holidays, the money and the validator's phone rules; empty means the time
    zone's, and no phone rules. On holidays the Sunday service runs, unless `holiday_service` is `as_usual`.
    `fares` says in which version fares are told: v1, v2, both or none. `route_colors` are the colours that
    routes have on the street, by short name. `valid_days` is how long the feed holds from the day it is made.
    """

    agency_name: str = "Transporte mapeado por sus usuarios"
    agency_url: str = "https://example.org/transitmap"
    contact_email: str = "contact@example.org"
    publisher_name: str = "transitmap"
    lang: str = "es"
    licence_url: str = "https://opendatacommons.org/licenses/odbl/1-0/"
    timezone: str = ""
    country: str = ""
    currency: str = ""
    fares: str = "v1"
    holiday_service: str = "sunday"
    route_colors: dict[str, str] = field(default_factory=dict)
    valid_days: int = 180
    min_riders: int = 1


@dataclass(frozen=True)
class DiffConfig:
    """What is told of the difference between two feeds; what is smaller is only counted.

    A stop moved by `moved_m`, a line that lies `line_m` off somewhere, a running time that changed by `run_s`
    and by `share_run`, a headway that changed by `share_headway`. Where two feeds share no ids, stops within
    `near_m` and lines that cover `share_line` of each other are taken to be the same.
    """

    near_m: float = 50.0
    share_line: float = 0.6
    moved_m: float = 5.0
    line_m: float = 30.0
    run_s: float = 60.0
    share_run: float = 0.05
    share_headway: float = 0.1


@dataclass(frozen=True)
class ReferenceConfig:
    """The city's official feed, where it has one, and what is told of how riders saw it otherwise.

    `feed` is a path. A stop is told to lie elsewhere beyond `moved_m` and its own uncertainty. An official
    stop where none was found is told after `min_passes` rides past it (within `near_m`), before that nobody
    knows. A running time is told that differs by `run_s` and by `share_run` and lies outside the riders'
    interval, a headway that lies outside it by `share_headway`.
    """

    feed: str = ""
    near_m: float = 50.0
    moved_m: float = 20.0
    min_passes: int = 20
    run_s: float = 60.0
    share_run: float = 0.1
    share_headway: float = 0.2


@dataclass(frozen=True)
class EquityConfig:
    """Where rides count more: `grid` is the path of a public table or map of need (`points.equity`)."""

    grid: str = ""


@dataclass(frozen=True)
class Config:
    """All settings of one campaign."""

    collect: CollectConfig = field(default_factory=CollectConfig)
    live: LiveConfig = field(default_factory=LiveConfig)
    quota: QuotaConfig = field(default_factory=QuotaConfig)
    limits: LimitConfig = field(default_factory=LimitConfig)
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    areas: AreasConfig = field(default_factory=AreasConfig)
    copies: CopiesConfig = field(default_factory=CopiesConfig)
    legs: LegsConfig = field(default_factory=LegsConfig)
    lines: LinesConfig = field(default_factory=LinesConfig)
    patterns: PatternsConfig = field(default_factory=PatternsConfig)
    routes: RoutesConfig = field(default_factory=RoutesConfig)
    shapes: ShapesConfig = field(default_factory=ShapesConfig)
    stops: StopsConfig = field(default_factory=StopsConfig)
    strays: StraysConfig = field(default_factory=StraysConfig)
    hails: HailsConfig = field(default_factory=HailsConfig)
    times: TimesConfig = field(default_factory=TimesConfig)
    feed: FeedConfig = field(default_factory=FeedConfig)
    diff: DiffConfig = field(default_factory=DiffConfig)
    reference: ReferenceConfig = field(default_factory=ReferenceConfig)
    equity: EquityConfig = field(default_factory=EquityConfig)


class Rule(NamedTuple):
    """What values the settings of some names may have; `words` ends the sentence "collect.trim_m = -5: "."""

    names: str
    words: str
    holds: Callable[[Any], bool]


def _at_least(least: int) -> tuple[str, Callable[[Any], bool]]:
    return f"must be at least {least}", lambda count: count >= least


def _like(pattern: str) -> Callable[[Any], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _is_zone(name: str) -> bool:
    """Whether a name is in the time zone database. A folder of it and a way out of it are other errors."""
    try:
        return name == "" or bool(ZoneInfo(name).key)
    except (KeyError, ValueError, OSError):
        return False


def is_box(text: str) -> bool:
    """Whether a text is empty or four numbers: south, west, north and east of a box."""
    if not re.fullmatch(r"([+-]?\d{1,3}(\.\d{1,9})?,){3}[+-]?\d{1,3}(\.\d{1,9})?", text):
        return not text
    south, west, north, east = map(float, text.split(","))
    return -90 <= south < north <= 90 and -180 <= west < east <= 180


def _are_colours(colours: dict[Any, Any]) -> bool:
    """Whether all values are colours as GTFS writes them."""
    return all(isinstance(one, str) and re.fullmatch("[0-9A-F]{6}", one) for one in colours.values())


MOST = 1e9
"""No length, time or speed is above it; so NaN and infinity break a rule like any other number."""
FROM_0 = ("must be from 0 to 1e9", lambda number: 0 <= number <= MOST)
ABOVE_0 = ("must be above 0 and at most 1e9", lambda number: 0 < number <= MOST)
SHARE = ("must be from 0 to 1", lambda share: 0 <= share <= 1)
URL = ("must begin with http:// or https:// and name a host", _like(r"https?://[^\s/]\S*"))

RULES = (
    Rule("*.share_*", *SHARE),
    Rule("stops.min_rating", *SHARE),
    Rule("*_confidence", *SHARE),
    Rule("collect.trim_m", *FROM_0),
    Rule("collect.min_reach_m", *FROM_0),
    Rule("collect.area", "must be empty or south,west,north,east in degrees", is_box),
    Rule("collect.max_past_years", *FROM_0),
    Rule("*_m", *ABOVE_0),
    Rule("*_s", *ABOVE_0),
    Rule("patterns.min_support", *ABOVE_0),
    Rule("times.max_interval_ratio", *ABOVE_0),
    Rule("strays.*", *ABOVE_0),
    Rule("collect.max_upload_bytes", *_at_least(0)),
    Rule("collect.max_unpacked_bytes", *_at_least(0)),
    Rule("collect.max_members", *_at_least(0)),
    Rule("collect.max_member_bytes", *_at_least(1)),
    Rule("collect.max_inline_bytes", *_at_least(0)),
    Rule("collect.max_read_bytes", *_at_least(1)),
    Rule("collect.max_depth", *_at_least(5)),  # gpx, trk, trkseg, trkpt, time
    Rule("collect.max_attributes", *_at_least(2)),  # lat, lon
    Rule("collect.max_name_chars", *_at_least(1)),
    Rule("collect.m??_fixes", *_at_least(2)),
    Rule("live.max_*", *_at_least(1)),
    Rule("retention.raw_days", *FROM_0),
    Rule("retention.*_days", *ABOVE_0),
    Rule("retention.ballast_bytes", *_at_least(0)),
    Rule("quota.max_*", *_at_least(0)),
    Rule("limits.max_*", *_at_least(0)),
    Rule("copies.min_positions", *_at_least(1)),
    Rule("patterns.min_points", *_at_least(2)),
    Rule("patterns.min_overlap", *_at_least(1)),
    Rule("patterns.max_context", *_at_least(1)),
    Rule("shapes.passes", *_at_least(1)),
    Rule("shapes.fits", *_at_least(1)),
    Rule("shapes.depth", *_at_least(3)),
    Rule("*.min_riders", *_at_least(1)),
    Rule("reference.min_passes", *_at_least(1)),
    Rule("equity.grid", "must be a path, or empty", lambda path: isinstance(path, str)),
    Rule("reference.feed", "must be a path, or empty", lambda path: isinstance(path, str)),
    Rule("feed.valid_days", "must be from 1 to 3650", lambda days: 1 <= days <= 3650),
    Rule("feed.*_name", "must not be blank", lambda text: bool(text.strip())),
    Rule("feed.*_url", *URL),
    Rule("feed.contact_email", "must be an address with an @", _like(r"[^@\s]+@[^@\s]+")),
    Rule("feed.lang", "must be a code of two small letters (ISO 639-1)", _like("[a-z]{2}")),
    Rule("feed.country", "must be empty or two capitals (ISO 3166)", _like("([A-Z]{2})?")),
    Rule("feed.currency", "must be empty or three capitals (ISO 4217)", _like("([A-Z]{3})?")),
    Rule("feed.fares", "must be v1, v2, both or none", _like("v1|v2|both|none")),
    Rule("feed.holiday_service", "must be sunday or as_usual", _like("sunday|as_usual")),
    Rule("feed.route_colors", "must be six capital hexadecimal digits a short name", _are_colours),
    Rule("feed.timezone", "must be empty or a name as America/Mexico_City", _is_zone),
)
"""The first rule whose `names` fit a setting (`table.key`) holds for it."""


def server_defaults() -> Config:
    """The defaults of a service: people's ends are trimmed, who went nowhere is told so, and three people
    must support what is published.

    Files of one's own (`Config()`) are read whole, and there nobody knows who rode.
    """
    collect = {"trim_m": 100.0, "min_reach_m": 200.0, "min_fixes": 4}
    return override(Config(), {"collect": collect, "feed": {"min_riders": 3}})


def load_config(path: Path | None, defaults: Config | None = None) -> Config:
    """The settings in a TOML file (one table a stage), the rest by `defaults`; those alone without a file.

    Raises:
        ConfigError: the file is no TOML, names a table or key that does not exist, or a value is of another
            type or breaks its rule (`RULES`).
    """
    config = defaults or Config()
    if path is None:
        return config
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError("config", path.name, f"cannot be read as TOML: {error}") from error
    return override(config, tables)


def override(config: Config, tables: dict[str, Any]) -> Config:
    """The settings with some of them replaced, `{"stops": {"bin_m": 4.0}}`.

    Raises:
        ConfigError: as `load_config`.
    """
    known = {stage.name for stage in fields(config)}
    for name, table in tables.items():
        if name not in known or not isinstance(table, dict):
            raise ConfigError(name, table, f"no such table, have {', '.join(sorted(known))}")
        stage = getattr(config, name)
        config = replace(config, **{name: replace(stage, **_checked(name, stage, table))})
    return config


def _checked(name: str, stage: Any, table: dict[str, Any]) -> dict[str, Any]:
    """The table's values, each of the type its default has and within its rule."""
    known = {column.name: getattr(stage, column.name) for column in fields(stage)}
    checked = {}
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{name}.{key}", value, f"no such setting, have {', '.join(sorted(known))}")
        kind = type(known[key])
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ConfigError(f"{name}.{key}", value, f"must be of type {kind.__name__}")
        rule = rule_of(f"{name}.{key}")
        if not rule.holds(value):
            raise ConfigError(f"{name}.{key}", value, rule.words)
        checked[key] = kind(value)
    return checked


def rule_of(setting: str) -> Rule:
    """The rule of a setting such as `stops.bin_m`."""
    return next(rule for rule in RULES if fnmatchcase(setting, rule.names))
