"""Missions, who reserved them and who looks after which route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from transitmap.store.tables import LedgerRow
from transitmap.store.tables_game import Adoption, Mission, Reservation

OPEN, DONE, CLOSED = "open", "done", "closed"
HOLDING, RIDDEN, LEFT = "held", "done", "left"
CHUNK = 500


def open_missions(
    session: Session,
    now_s: float,
    route_ids: Sequence[str] | None = None,
    limit: int | None = None,
) -> list[Mission]:
    """The missions open now, of some routes or all, those worth most first."""
    question = sa.select(Mission).where(*_open(now_s))
    if route_ids is not None:
        question = question.where(Mission.route_id.in_(route_ids))
    order = question.order_by(Mission.bonus_permille.desc(), Mission.id)
    return list(session.scalars(order.limit(limit)))


def n_open_missions(session: Session, now_s: float) -> int:
    """How many missions are open now."""
    return session.scalar(sa.select(sa.func.count()).select_from(Mission).where(*_open(now_s))) or 0


def _open(now_s: float) -> tuple[sa.ColumnElement[bool], ...]:
    is_not_over = sa.or_(Mission.closes_s.is_(None), Mission.closes_s > now_s)
    return Mission.state == OPEN, Mission.made_s <= now_s, is_not_over


def held_missions(session: Session, user_id: int, now_s: float) -> list[Mission]:
    """The open missions that a rider holds now, in the order of reserving."""
    question = sa.select(Mission).join(Reservation, Reservation.mission_id == Mission.id)
    question = question.where(*_open(now_s), Reservation.user_id == user_id)
    question = question.where(Reservation.from_s <= now_s, Reservation.until_s > now_s)
    return list(session.scalars(question.order_by(Reservation.id)))


def unfinished_missions(session: Session) -> list[Mission]:
    """All that no publication has ended, also where their time is over, in their order."""
    return list(session.scalars(sa.select(Mission).where(Mission.state == OPEN).order_by(Mission.id)))


def is_mission_over(session: Session, now_s: float) -> bool:
    """Whether there is one whose time is over and that no publication has ended."""
    question = sa.select(Mission.id).where(Mission.state == OPEN, Mission.closes_s <= now_s).limit(1)
    return session.scalar(question) is not None


def all_missions(session: Session) -> list[Mission]:
    """Every mission there ever was, in their order."""
    return list(session.scalars(sa.select(Mission).order_by(Mission.id)))


def missions_of(session: Session, route_id: str, direction_id: int, day_part: str) -> list[Mission]:
    """Every mission there was of a route in a direction at a part of the day, whatever became of it."""
    question = sa.select(Mission).where(
        Mission.route_id == route_id, Mission.direction_id == direction_id, Mission.day_part == day_part
    )
    return list(session.scalars(question.order_by(Mission.id)))


def checks_at(session: Session, time_s: float) -> list[Mission]:
    """The missions on routes that do not exist which were open then, in their order."""
    is_not_over = sa.or_(Mission.closes_s.is_(None), Mission.closes_s > time_s)
    question = sa.select(Mission).where(Mission.is_check, Mission.made_s <= time_s, is_not_over)
    return list(session.scalars(question.order_by(Mission.id)))


def mission_by_id(session: Session, mission_id: int, locked: bool = False) -> Mission | None:
    """The mission of that number; `locked` makes others who want to reserve it wait for the commit."""
    question = sa.select(Mission).where(Mission.id == mission_id)
    return session.scalar(question.with_for_update() if locked else question)


def add_missions(
    session: Session, campaign_id: int, rows: Iterable[Mapping[str, Any]], made_s: float, closes_s: float
) -> list[Mission]:
    """New missions, open from now on; `rows` hold the columns that say what is asked."""
    when = {"campaign_id": campaign_id, "made_s": made_s, "closes_s": closes_s, "state": OPEN}
    added = [Mission(**row, **when) for row in rows]
    for one in added:  # one by one: their numbers follow the order of the rows
        session.add(one)
        session.flush()
    return added


def end_mission(mission: Mission, state: str, now_s: float) -> None:
    """Done, or closed: no ride that begins later is of it."""
    mission.state = state
    mission.closes_s = now_s if mission.closes_s is None else min(mission.closes_s, now_s)


# --- reservations --------------------------------------------------------------------------------


def reservations_of(session: Session, mission_ids: Sequence[int]) -> list[Reservation]:
    """Who reserved these missions and until when, also in the past, in their order."""
    found: list[Reservation] = []
    for start in range(0, len(mission_ids), CHUNK):
        question = sa.select(Reservation).where(
            Reservation.mission_id.in_(mission_ids[start : start + CHUNK])
        )
        found += session.scalars(question.order_by(Reservation.id))
    return found


def reservations_of_user(session: Session, user_id: int) -> list[Reservation]:
    """What a rider reserved, also in the past, in their order."""
    question = sa.select(Reservation).where(Reservation.user_id == user_id)
    return list(session.scalars(question.order_by(Reservation.id)))


def last_earned_s(session: Session, user_id: int) -> float:
    """When a ride of this rider was last paid at once; 0 before the first."""
    question = sa.select(sa.func.max(LedgerRow.created_s)).where(
        LedgerRow.user_id == user_id, LedgerRow.kind == "award", LedgerRow.millipoints > 0
    )
    return session.scalar(question) or 0.0


def add_reservation(
    session: Session, mission_id: int, user_id: int, from_s: float, until_s: float
) -> Reservation:
    """A rider has a mission alone for a while. Ask who holds it under its lock (`mission_by_id`) first."""
    row = Reservation(mission_id=mission_id, user_id=user_id, from_s=from_s, until_s=until_s, state=HOLDING)
    session.add(row)
    session.flush()
    return row


def leave_mission(session: Session, mission_id: int, user_id: int, now_s: float) -> bool:
    """Gives a mission back; False where the rider did not hold it."""
    held = sa.update(Reservation).where(
        Reservation.mission_id == mission_id,
        Reservation.user_id == user_id,
        Reservation.from_s <= now_s,
        Reservation.until_s > now_s,
    )
    changed = session.execute(held.values(state=LEFT, until_s=now_s).returning(Reservation.id))
    return bool(changed.all())


def note_ridden(session: Session, mission_id: int, user_id: int) -> None:
    """The rider did what was reserved. When it ends stays as it was: a replay pays the same."""
    held = sa.update(Reservation).where(
        Reservation.mission_id == mission_id, Reservation.user_id == user_id, Reservation.state == HOLDING
    )
    session.execute(held.values(state=RIDDEN))


# --- routes looked after -------------------------------------------------------------------------


def adopt_route(session: Session, user_id: int, route_id: str, now_s: float) -> None:
    """A rider looks after a route from now on; once more changes nothing."""
    if session.get(Adoption, (user_id, route_id)) is None:
        session.add(Adoption(user_id=user_id, route_id=route_id, since_s=now_s))
        session.flush()


def leave_route(session: Session, user_id: int, route_id: str) -> None:
    """A rider looks after a route no longer."""
    session.execute(sa.delete(Adoption).where(Adoption.user_id == user_id, Adoption.route_id == route_id))


def adopted_routes(session: Session, user_id: int) -> list[str]:
    """The ids of the routes that a rider looks after, in the order of adoption."""
    question = sa.select(Adoption.route_id).where(Adoption.user_id == user_id)
    return list(session.scalars(question.order_by(Adoption.since_s, Adoption.route_id)))
