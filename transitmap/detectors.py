"""What each detector found, how often people found it right, and whether that is enough to withhold by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transitmap import store
from transitmap.examined import EXAMINED_FROM
from transitmap.model import DETECTORS, SHADOW, Rules
from transitmap.points.campaigns import OPEN as IS_OPEN
from transitmap.points.review import DISMISSED, OPEN, UPHELD, wilson
from transitmap.review import by_ride, suspect_of
from transitmap.terms import rules_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DAY_S = 86_400.0
MIN_DAYS = 30
MAX_WRONG = 0.001
"""Of all rides so many may be found wrongly, at most: the upper end of the 95 % interval must lie below."""
MIN_RIGHT = 0.5
"""Of those that people decided more must be right than wrong: the lower end must lie above."""
NOTHING, TOO_EARLY, TOO_WRONG, TOO_FEW, ENOUGH = "nothing", "too_early", "too_wrong", "too_few", "enough"


@dataclass(frozen=True)
class Detector:
    """A detector and the rides that it found; `tier` is what follows by the installation's own rules.

    `n_looked` rides were looked at since the first that it found, `n_days` days ago. `shadow_in` are open
    campaigns whose rules put it in shadow. `waiting_millipoints` is what waits because of it.
    """

    code: str
    tier: str
    shadow_in: tuple[str, ...]
    n_found: int
    n_found_lately: int
    n_looked: int
    n_days: int
    n_open: int
    n_upheld: int
    n_dismissed: int
    waiting_millipoints: int

    @property
    def right(self) -> tuple[float, float, float] | None:
        """The share of what people decided that they upheld, and its 95 % interval; None before they did."""
        n = self.n_upheld + self.n_dismissed
        return (self.n_upheld / n, *wilson(self.n_upheld, n)) if n else None

    @property
    def most_wrong(self) -> float:
        """The upper end of the 95 % interval of the share of rides found wrongly.

        What nobody has looked at counts as wrong: it must not speak for a detector that nobody reviews it.
        """
        return wilson(self.n_open + self.n_dismissed, self.n_looked)[1] if self.n_looked else 1.0

    @property
    def verdict(self) -> str:
        """Whether that is enough to let it withhold points."""
        if not self.n_found:
            return NOTHING
        if self.n_days < MIN_DAYS:
            return TOO_EARLY
        if self.most_wrong > MAX_WRONG:
            return TOO_WRONG
        return ENOUGH if self.right and self.right[1] >= MIN_RIGHT else TOO_FEW


@dataclass(frozen=True)
class Tally:
    """All detectors, and how many rides anybody looked at: in all, and of the last MIN_DAYS days."""

    detectors: tuple[Detector, ...]
    n_looked: int
    n_looked_lately: int


def tally(session: Session, rules: Rules, now_s: float) -> Tally:
    """What the detectors found, by the installation's own rules; rides that were erased are left out."""
    since_s = now_s - MIN_DAYS * DAY_S
    first = int(store.fact(session, EXAMINED_FROM) or 0)
    found: dict[str, list[store.FoundRide]] = {code: [] for code in DETECTORS}
    for one in store.found_rides(session, DETECTORS):
        found[one.finding.code].append(one)
    shadow_in, waiting = _shadow_in(session, rules), _waiting(session, found)
    detectors = tuple(
        Detector(
            code=code,
            tier=SHADOW if code in rules.shadow else tier,
            shadow_in=shadow_in[code],
            n_found=len(found[code]),
            n_found_lately=sum(one.received_s >= since_s for one in found[code]),
            n_looked=store.n_rides_from(session, found[code][0].sequence) if found[code] else 0,
            n_days=int((now_s - found[code][0].received_s) // DAY_S) if found[code] else 0,
            n_open=_n_in(found[code], OPEN),
            n_upheld=_n_in(found[code], UPHELD),
            n_dismissed=_n_in(found[code], DISMISSED),
            waiting_millipoints=waiting[code],
        )
        for code, tier in DETECTORS.items()
    )
    n_looked = store.n_rides_from(session, first) if first else 0
    return Tally(detectors, n_looked, store.n_rides_from(session, first, since_s) if first else 0)


def _n_in(found: Sequence[store.FoundRide], state: str) -> int:
    return sum(one.finding.state == state for one in found)


def _shadow_in(session: Session, rules: Rules) -> dict[str, tuple[str, ...]]:
    """The open campaigns that have each detector in shadow by rules of their own."""
    campaigns = [one for one in store.all_campaigns(session) if one.state == IS_OPEN and one.rules_toml]
    paid_by = rules_of(campaigns, rules)
    return {
        code: tuple(one.slug for one in campaigns if code in paid_by[one.id].shadow) for code in DETECTORS
    }


def _waiting(session: Session, found: Mapping[str, Sequence[store.FoundRide]]) -> dict[str, int]:
    """What waits for a look because of each detector; a ride that several found waits for each of them."""
    waiting = {
        code: [one.finding for one in some if one.finding.state == OPEN] for code, some in found.items()
    }
    lines = by_ride(store.lines_of_rides(session, [one.ride_id for some in waiting.values() for one in some]))
    return {
        code: sum(suspect_of(one, lines.get(one.ride_id, ()), None).waiting_millipoints for one in some)
        for code, some in waiting.items()
    }
