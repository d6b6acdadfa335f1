"""Who observed what -> lines of the ledger: what others have confirmed of each ride by now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from transitmap import store
from transitmap.examined import WAITS
from transitmap.model import Confirm, IntArray, Observed, Rules, Terms, Voices
from transitmap.points import settle
from transitmap.points.score import NOBODY, Score, n_observers, score
from transitmap.points.voices import one_person, voices
from transitmap.terrain import Found

CONFIRMED = "confirmed"
GROUP_IS_AT_MOST = 4
"""A group apart is at most a quarter of all who ride: a campaign of a dozen is the campaign, and no ring."""
MM_PERMILLE_PER_KM = 10**9
"""A kilometre in millimetres times thousandths, as worth is weighed."""


class Award(Protocol):
    """A line of the ledger that was paid for a ride, or what a replay makes of it."""

    @property
    def ride_id(self) -> str | None:
        """The ride."""
        ...

    @property
    def campaign_id(self) -> int:
        """Where it counts."""
        ...

    @property
    def user_id(self) -> int:
        """Who rode."""
        ...

    @property
    def evidence(self) -> dict[str, Any]:
        """What it rests on; `full_millipoints` is what it is worth once confirmed."""
        ...


@dataclass
class Count:
    """Who counts as an observer of which segment so far, and the rides by which they do."""

    observers: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    ride_ids: list[str] = field(default_factory=list)
    rows: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)

    def note(self, ride_id: str, result: Score) -> None:
        """What one more ride observed."""
        for (segment, who, day), worth_mm in zip(result.observed, result.worth_mm, strict=True):
            those = self.observers.setdefault(segment, [])
            if who != NOBODY:
                place = n_observers(those)
                self.rows.append((len(self.ride_ids), who, segment, day, worth_mm, place))
            those.append((who, day))
        self.ride_ids.append(ride_id)

    @property
    def n_people(self) -> int:
        """How many accounts observed anything."""
        return len({row[1] for row in self.rows})

    def observed(self) -> Observed:
        """A row for each ride and segment that it counts on."""
        columns = np.array(self.rows, dtype=np.int64).reshape(-1, 6).T
        return Observed(*(np.ascontiguousarray(column) for column in columns))


def count_rides(
    found: Found,
    rules: Rules,
    count: Count,
    withheld: Iterable[str] = (),
    linked: Iterable[Sequence[int]] = (),
) -> Count:
    """Counts rides in their order; nobody is paid by this. Rides that are `withheld` observe nothing.

    Accounts that are `linked` are one rider.
    """
    unseen, people = frozenset(withheld), one_person(linked)
    for index, ride in enumerate(found.rides):
        if ride.ride_id not in unseen:
            mine = found.segments_of(index)
            who = int(ride.rider_id)
            terms = Terms(also=people.get(who, frozenset()) - {who})
            count.note(ride.ride_id, score(mine, who, count.observers, rules, terms=terms))
    return count


def confirmed(
    count: Count,
    decided: Mapping[str, Any],
    official: IntArray,
    campaign_of: Mapping[str, int],
    rules: Mapping[int, Rules],
) -> tuple[dict[str, int], Mapping[int, int]]:
    """How many thousandths of each ride are confirmed, and which rider is whose voice.

    A ride that waits for a reviewer is left out, and confirms nobody else's: what is in doubt is no witness.
    `decided` is what people had decided
    (`store.people_decided`) and how many people there were (`n_people`), `official` the segments that an
    official feed knows. Each ride is confirmed by the `rules` of its campaign, the installation's where
    `campaign_of` does not name it or it pays no longer.
    """
    own = rules[store.OWN_CAMPAIGN]
    waits = {*decided["held"], *decided["withheld"]}
    campaign = np.array([campaign_of.get(one, store.OWN_CAMPAIGN) for one in count.ride_ids], dtype=np.int64)
    seen, is_sure = count.observed(), np.array([one not in waits for one in count.ride_ids], dtype=bool)
    seen = seen.take(is_sure[seen.ride_index])
    heard, shares = _confirmed_by(confirm_of(own), seen, decided, official, campaign)
    for confirm in {confirm_of(one) for one in rules.values()} - {confirm_of(own)}:
        theirs = np.isin(campaign, [one for one, its in rules.items() if confirm_of(its) == confirm])
        shares = np.where(theirs, _confirmed_by(confirm, seen, decided, official, campaign)[1], shares)
    told = zip(count.ride_ids, shares.tolist(), strict=True)
    return {ride_id: share for ride_id, share in told if share and ride_id not in waits}, heard.group


def _confirmed_by(
    confirm: Confirm,
    observed: Observed,
    decided: Mapping[str, Any],
    official: IntArray,
    campaign_id: IntArray,
) -> tuple[Voices, IntArray]:
    """Who speaks with whom, and what is confirmed of each ride, as if all were confirmed by one rule."""
    largest = int(decided["n_people"]) // GROUP_IS_AT_MOST
    confirm = replace(confirm, group_max=max(1, min(confirm.group_max, largest)))
    staff = frozenset(decided["staff"])
    linked = [(int(one), int(other)) for one, other in decided["linked"]]
    heard = voices(observed, linked, staff, confirm, decided["met"])
    n = len(campaign_id)
    return heard, settle.shares(observed, heard, staff, official, confirm, n, campaign_id)


def confirm_of(rules: Rules) -> Confirm:
    """When what a ride saw is confirmed, under these rules."""
    return Confirm(
        rules.confirm_voices,
        rules.provisional_permille,
        rules.group_max,
        rules.outside_permille,
        rules.observer_weights,
        rules.trust_millipoints * MM_PERMILLE_PER_KM // rules.millipoints_per_km,
        rules.fresh_after_days,
    )


def lines_of(
    awards: Sequence[Award], before: Mapping[str, int], rose: Mapping[str, int], rules: Mapping[int, Rules]
) -> list[dict[str, Any]]:
    """A line for each ride and campaign whose confirmed share rose, in the order of the first awards.

    `rules` are those of each campaign that still pays. The lines lack when and under which network they are
    written. Of what was withheld a share can rise only once a person found nothing wrong with the ride, and
    then a line of theirs paid its part at once; but for what only waited with its account.
    """
    by_ride: dict[tuple[str, int, int], list[tuple[int, Confirm]]] = {}
    for award in awards:
        is_paid = award.ride_id in rose and award.campaign_id in rules
        full = award.evidence.get("full_millipoints") or award.evidence.get("withheld_millipoints")
        if is_paid and full:
            whose = str(award.ride_id), award.campaign_id, award.user_id
            confirm = confirm_of(rules[award.campaign_id])
            if award.evidence.get("codes") == [WAITS]:
                confirm = replace(confirm, provisional_permille=0)
            by_ride.setdefault(whose, []).append((full, confirm))
    return [
        _line(*whose, fulls, (before.get(whose[0], 0), rose[whose[0]]), rules[whose[1]])
        for whose, fulls in by_ride.items()
    ]


def _line(
    ride_id: str,
    campaign_id: int,
    user_id: int,
    fulls: list[tuple[int, Confirm]],
    shares: tuple[int, int],
    rules: Rules,
) -> dict[str, Any]:
    parts = [settle.pay(full, *shares, confirm) for full, confirm in fulls]
    text_es, text_en = settle.say(shares[1])
    return {
        "key": f"{CONFIRMED}:{ride_id}:{campaign_id}:{shares[1]}",
        "campaign_id": campaign_id,
        "kind": "confirmation",
        "ride_id": ride_id,
        "user_id": user_id,
        "rule": CONFIRMED,
        "millipoints": sum(points for points, _ in parts),
        "verified_millipoints": sum(verified for _, verified in parts),
        "rules_version": rules.version,
        "evidence": {
            "permille": shares[1],
            "before_permille": shares[0],
            "full_millipoints": sum(full for full, _ in fulls),
        },
        "text_es": text_es,
        "text_en": text_en,
    }
