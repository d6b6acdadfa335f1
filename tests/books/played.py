"""A small campaign that was played: riders, a team, points, and one of everything that keeps people out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from tests.test_store import add_ride
from transitmap import store
from transitmap.points.prizes import load_prize_rules

NOW_S = 1_750_000_000.0
DAY_S = 86_400
SLUG = "centro"
PRIZES = (Path(__file__).parents[2] / "transitmap/points/prizes.toml").read_text(encoding="utf-8")
RULES = load_prize_rules(PRIZES)
NAMES = ("Ana", "=2+3", "Beto", "Caro", "Dani", "Eva", "Fer", "Gil")


def play(session: Session, n_lines: int = 40, state: str = "closed", **columns: Any) -> dict[str, store.User]:
    """The people by name. Ana and Beto are a team, Caro hides, Eva did not agree, Fer is staff.

    Gil has an open finding. Campaign 2 has prizes of 1,700 pesos; some lines are of campaign 1.
    """
    campaign = {
        "slug": SLUG, "name_es": "Centro", "name_en": "Centre", "budget_centavos": 170_000,
        "prizes_toml": PRIZES, "signature": "",
        "rules_toml": 'version = "1"\n', "rules_version": "1", "state": state, "made_s": NOW_S,
        "opens_s": NOW_S, "closes_s": NOW_S + 17 * DAY_S, "frozen_s": NOW_S + 18 * DAY_S,
        "snapshot_sha256": "5" * 64,
    }  # fmt: skip
    session.add(store.Campaign(id=2, **(campaign | columns)))
    people = {name: store.add_user(session, name, "", NOW_S) for name in NAMES}
    for name, person in people.items():
        person.prize_consent = "" if name == "Eva" else "1"
        person.is_hidden = name == "Caro"
        person.role = "organiser" if name == "Fer" else "rider"
    session.flush()
    team = store.Team(id=1, campaign_id=2, name="Rojo", name_key="rojo", made_by=1, made_s=NOW_S)
    session.add(team)
    session.flush()
    for name in ("Ana", "Beto"):
        where = {"campaign_id": 2, "user_id": people[name].id, "team_id": 1}
        session.add(store.Member(**where, state="member", since_s=NOW_S))
    ride = add_ride(session, people["Gil"], "9" * 64)
    accused = {"ride_id": ride.id, "code": "copy", "tier": "hard", "score": 1.0, "evidence": {}}
    session.add(store.FindingRow(**accused, made_s=NOW_S))
    store.add_lines(session, [line(number, people) for number in range(n_lines)])
    return people


def line(number: int, people: dict[str, store.User]) -> dict[str, Any]:
    """One line; what it is worth grows with the rider."""
    who = people[NAMES[number % len(NAMES)]]
    return {
        "key": f"line {number}",
        "campaign_id": 1 if number % 7 == 6 else 2,
        "kind": "confirmation",
        "user_id": who.id,
        "rule": "new_metres",
        "millipoints": 20_000 * who.id + number - (50_000 if number % 11 == 10 else 0),
        "verified_millipoints": 15_000 * who.id,
        "rules_version": "1",
        "network_version": "",
        "evidence": {"length_m": number, "quality": 0.1 * number, "por": "señal"},
        "text_es": f"=HYPERLINK {number}: señal, «ñ»",
        "text_en": "1.0 km\nof route 7",
        "created_s": NOW_S + 3_600.5 * number,
    }
