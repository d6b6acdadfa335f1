"""Everything said on rides so far -> the lines of the ledger that it has earned by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from transitmap import store
from transitmap.labelling import gather, label_lines
from transitmap.model import Ride, Rules
from transitmap.points.labels import Check
from transitmap.terrain import Known

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LABEL = "label"


def said_lines(
    session: Session,
    known: Known,
    rows: Sequence[store.RideRow],
    rides: Mapping[str, Ride],
    person: Mapping[int, int],
    paid_by: Mapping[int, Rules],
    through_sequence: int,
) -> list[dict[str, Any]]:
    """The lines of all labels on the rides up to `through_sequence`, without when they are written.

    `person` is the voice of each rider, `paid_by` are the rules of the campaigns that still pay. A line that
    is in the ledger already has the same key.
    """
    telling = [row for row in rows if row.sequence <= through_sequence and row.id in rides]
    telling = [row for row in telling if rides[row.id].label.strip() or len(rides[row.id].taps)]
    if not telling:
        return []
    received_s = store.received_of_rides(session, [row.id for row in telling])
    own = [rides[row.id] for row in telling]
    timezone = known.network.timezone
    labels = gather(telling, own, known.network.stops, known.stop_id, timezone, person, received_s)
    campaign_of = {
        str(line.ride_id): line.campaign_id for line in store.awards_of(session, [row.id for row in telling])
    }
    checks = [Check(*planted) for planted in store.planted_checks(session)]
    return [
        line
        for campaign_id, rules in paid_by.items()
        for line in label_lines(labels, checks, rules, campaign_of)
        if line["campaign_id"] == campaign_id
    ]
