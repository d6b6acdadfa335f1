"""Settings of a simulated campaign: the city, its buses, its riders and their phones."""

from __future__ import annotations

from dataclasses import dataclass

from transitmap.errors import ConfigError

MODES = ("commuter", "campaign")


@dataclass(frozen=True)
class SimulateConfig:
    """A fictional town and its riders. The place is open land in central Mexico, the name is invented.

    `commuter` riders record the part they ride; in a `campaign` they ride from terminal to terminal.
    `label_share` of rides carry a name somebody typed, `wrong_label_share` of those name another route;
    `tap_share` of phones mark stops as waypoints; `junk_share` of recordings are no bus ride at all. On
    `hail_share` of routes vehicles halt anywhere on the outer streets; `walk_share` of recordings have a walk
    at an end; `gap_share` of recordings have gaps.

    Towns differ: stops lie `spacing_m` apart (least and most; one a block at most), `demand` people wait at
    an average one for a punctual vehicle at the peak, `signal_factor` times as many crossings as usual have
    lights, red for `red_s` seconds and `red_share` of the time, with queues and jams `traffic` times as bad.
    At corners without lights a vehicle stands for a few seconds with chance `yield_share`, for people on a
    bump with a third of it. `late_share` of recordings begin after boarding or end before alighting.

    Sources: `dwell_s` are quartiles and 90th percentile noted by riders in Xalapa; `noise_m` (each axis, open
    street, an average phone) is set so that fixes lie a median 3-4 m across the line with 5 % beyond some
    14 m, as on Chicago's campus shuttles; sampling intervals span those of phones and shuttles (1-30 s).
    """

    city_name: str = "San Imaginario del Llano"
    lat_deg: float = 22.9
    lon_deg: float = -101.9
    timezone: str = "America/Mexico_City"
    width_m: float = 10_000.0
    height_m: float = 8_000.0
    block_m: float = 240.0
    n_routes: int = 7
    mode: str = "commuter"
    dwell_s: tuple[float, float, float, float] = (2.0, 5.0, 10.0, 20.0)
    label_share: float = 0.6
    wrong_label_share: float = 0.04
    tap_share: float = 0.12
    junk_share: float = 0.08
    walk_share: float = 0.55
    hail_share: float = 0.3
    spacing_m: tuple[float, float] = (200.0, 430.0)
    demand: float = 1.0
    signal_factor: float = 1.0
    traffic: float = 1.0
    red_share: float = 0.5
    red_s: float = 55.0
    yield_share: float = 0.0
    late_share: float = 0.0
    noise_m: float = 4.4
    canyon_factor: float = 2.0
    interval_s: tuple[float, ...] = (1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0)
    interval_weight: tuple[float, ...] = (0.2, 0.15, 0.15, 0.25, 0.13, 0.07, 0.05)
    distance_filter_share: float = 0.12
    gap_share: float = 0.2

    def check(self) -> SimulateConfig:
        """These settings, if they describe a possible campaign.

        Raises:
            ConfigError: a share outside 0..1, a city too small to hold a route, an unknown mode.
        """
        for name in ("demand", "signal_factor", "traffic"):
            if not 0.0 <= getattr(self, name) <= 10.0:
                raise ConfigError(f"simulate.{name}", getattr(self, name), "must be between 0 and 10")
        if not 0.0 < self.spacing_m[0] <= self.spacing_m[1]:
            raise ConfigError("simulate.spacing_m", self.spacing_m, "must be two lengths in order")
        for name in (
            "label_share",
            "wrong_label_share",
            "tap_share",
            "junk_share",
            "walk_share",
            "hail_share",
            "red_share",
            "yield_share",
            "late_share",
        ):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"simulate.{name}", getattr(self, name), "must be between 0 and 1")
        if self.mode not in MODES:
            raise ConfigError("simulate.mode", self.mode, f"must be one of {', '.join(MODES)}")
        if self.n_routes < 1:
            raise ConfigError("simulate.n_routes", self.n_routes, "must be at least 1")
        if min(self.width_m, self.height_m) < 14 * self.block_m:
            raise ConfigError("simulate.width_m", self.width_m, "both sides must span 14 blocks")
        if len(self.interval_s) != len(self.interval_weight):
            raise ConfigError("simulate.interval_weight", self.interval_weight, "one weight an interval")
        return self
