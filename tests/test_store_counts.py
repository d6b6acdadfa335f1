"""What is counted of the ledger again and again: by kept counts and by index, never line by line."""

from __future__ import annotations

import json
import secrets

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.test_store import NOW_S, add_ride
from transitmap import store
from transitmap.store import campaigns

RACE = 2


@pytest.fixture
def city(session: Session):
    """Adds rides of one rider, a line each in every campaign."""
    names = {"slug": "race", "name_es": "Carrera", "name_en": "Race", "state": "open", "made_s": NOW_S}
    session.add(store.Campaign(id=RACE, **names))
    rider = store.add_user(session, "Ana", "", NOW_S)

    def ride(*campaign_ids: int) -> store.RideRow:
        row = add_ride(session, rider, secrets.token_hex(32))
        line = {"ride_id": row.id, "user_id": rider.id, "rule": "new_metres", "millipoints": 5,
                "rules_version": "1", "network_version": "", "evidence": {}, "text_es": "", "text_en": "",
                "created_s": NOW_S}  # fmt: skip
        store.add_lines(
            session, [line | {"key": f"{one}:{row.id}", "campaign_id": one} for one in campaign_ids]
        )
        return row

    return ride


def counted(session: Session, campaign_id: int) -> tuple[int, int, int]:
    """First line, last line and number, line by line."""
    mine = [row.sequence for row in store.ledger_rows(session) if row.campaign_id == campaign_id]
    return min(mine, default=0), max(mine, default=0), len(mine)


def test_kept_counts_are_those_of_the_ledger(session, city):
    for campaign_ids in ((), (1,), (1, RACE), (RACE,), (), (1,)):
        city(*campaign_ids)
        if len(campaign_ids) != 1:
            campaigns.note_ledger_parts(session)
        for one in (1, RACE):
            part = store.ledger_part(session, one)
            assert (part.first_sequence, part.last_sequence, part.n_lines) == counted(session, one)
    assert part.head_sequence == len(store.ledger_rows(session)) == 5


def test_counted_lines_are_not_counted_again(session, city):
    city(1)
    campaigns.note_ledger_parts(session)
    store.set_fact(session, campaigns.LEDGER_PARTS, json.dumps({"through": 1, "parts": [[1, 1, 1, 41]]}))
    session.expire_all()
    city(1)
    assert store.ledger_part(session, 1).n_lines == 42


def test_rides_and_findings_of_a_campaign_are_each_counted_once(session, city):
    ride = city(1, RACE)
    city(1)
    store.add_settlement(session, settlement(1, ride.sequence), {})
    assert [store.n_unsettled_rides(session, one) for one in (1, RACE)] == [1, 0]
    late = city(RACE)
    assert [store.n_unsettled_rides(session, one) for one in (1, RACE)] == [1, 1]
    session.add(
        store.FindingRow(ride_id=late.id, code="car", tier="soft", score=1.0, evidence={}, made_s=NOW_S)
    )
    session.flush()
    assert [store.n_open_findings(session, one) for one in (1, RACE)] == [0, 1]


def settlement(number: int, through: int) -> store.Settlement:
    return store.Settlement(
        number=number, network_version="", through_sequence=through, through_decision=0, made_s=NOW_S,
        n_lines=0, inputs={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("question", "indexes"),
    [
        (campaigns._unsettled(RACE, 9), ("ix_ledger_ride_id",)),
        (campaigns._lines_after(9), ()),
    ],
)
def test_nothing_reads_the_whole_ledger(session, question, indexes):
    engine = session.get_bind()
    sql = str(question.compile(engine, compile_kwargs={"literal_binds": True}))
    if engine.dialect.name == "sqlite":
        plan = " ".join(row[3] for row in session.execute(sa.text(f"EXPLAIN QUERY PLAN {sql}")))
        assert "SCAN" not in plan
    else:
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))  # the tables are empty
        plan = " ".join(row[0] for row in session.execute(sa.text(f"EXPLAIN {sql}")))
        assert "Seq Scan" not in plan
        assert "Index Cond: (sequence > 9)" in plan
    assert all(one in plan for one in indexes)
