"""The story of missions on a database: made of gaps, kept, ended, reserved by one, paid for, forecast."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from tests.points.hand import DAY_S, NOON_S, network_of, ride_along, trips_of
from transitmap import missions, store, terms
from transitmap.archive import Archive, pack_network
from transitmap.cli import main
from transitmap.config import Config
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.model import Fixes
from transitmap.points import evidence
from transitmap.points.missions import MissionRules
from transitmap.points.rules import load_rules
from transitmap.terrain import Found, Known, Terrain

EAST, NORTH, FAR = [(0, 0), (4_000, 0)], [(0, 0), (0, 4_000)], [(2_000, 2_000), (4_000, 4_000)]
RULES = load_rules()
KEY = b"k" * 64
NOW_S = NOON_S + 30 * DAY_S


class City:
    """R1 east, R2 north and R3, which nobody rides; rides are (rider, route, days after NOON_S)."""

    def __init__(self, archive, held_back=()):
        self.archive, self.held_back = archive, held_back
        self.network = network_of((0, 0, EAST), (1, 0, NORTH), (2, 0, FAR))
        self.ids = carry_ids(self.network, None)
        self.version = store.FeedVersion(
            number=1,
            id="1-abc",
            network_sha256=archive.put(pack_network(self.network)),
            ids=json.loads(self.ids.to_json()),
        )

    def refresh(self, session, *rides, now_s=NOW_S, number=1, **more):
        seen = self.seen(*rides, number=number, **more)
        return missions.refresh(session, self.archive, seen, Config(), RULES, now_s)

    def seen(self, *rides, number=1, start_s=NOON_S, **more):
        network, ids = self.network, self.ids
        self.version.number = number
        route_id = tuple("" if row in self.held_back else ids.route_id[row] for row in range(3))
        made = [
            ride_along((EAST, NORTH)[route], start_s + day * DAY_S, ride_id=f"r{nth}")
            for nth, (_, route, day) in enumerate(rides)
        ]
        made = [replace(ride, rider_id=str(who)) for ride, (who, _, _) in zip(made, rides, strict=True)]
        trips = trips_of(*[(route, 0.0, 4_000.0) for _, route, _ in rides])
        known = Known(network, trips, (), route_id, ids.pattern_id, ids.stop_id)
        terrain = Terrain("1-abc", known, evidence.survey(network, RULES), KEY)
        segments = evidence.gather(terrain.ground, trips, made, RULES, KEY)
        found = Found(tuple(made), trips, segments)
        return missions.Seen(self.version, terrain, found, **more)


@pytest.fixture
def city(tmp_path):
    return City(Archive(str(tmp_path / "archive")))


@pytest.fixture
def riders(session):
    return [store.add_user(session, f"rider {nth}", "", 1.0).id for nth in range(3)]


def opened(session, now_s=NOW_S):
    return {(one.route_id, one.day_part): one for one in store.open_missions(session, now_s)}


SUNDAY = "sunday"  # NOON_S is one


def test_every_gap_is_a_mission_until_its_cell_has_enough(session, city):
    first = city.refresh(session, (1, 0, 0))
    there = opened(session)
    assert (first.n_gaps, first.n_made) == (15, 16)  # three routes, five parts of the day, and one check
    mission = there["R1", SUNDAY]
    assert (mission.n_needed, mission.evidence["why"], mission.bonus_permille) == (1, "one", 1_500)
    assert there["R2", SUNDAY].bonus_permille == 2_000
    again = city.refresh(session, (1, 0, 0), (2, 0, 7), now_s=NOW_S + 60, number=2)
    assert (again.n_gaps, again.n_done, again.n_made) == (14, 1, 0)
    assert ("R1", SUNDAY) not in opened(session, NOW_S + 60)
    assert (mission.state, mission.closes_s) == ("done", NOW_S + 60)


def test_a_mission_that_asks_for_less_by_now_is_made_anew_unless_somebody_holds_it(session, city, riders):
    city.refresh(session)
    there = opened(session)
    store.add_reservation(session, there["R2", SUNDAY].id, riders[0], NOW_S, NOW_S + 100)
    told = city.refresh(session, (1, 0, 0), (1, 1, 0), now_s=NOW_S + 60, number=2)
    assert (told.n_closed, told.n_made) == (1, 1)
    now = opened(session, NOW_S + 60)
    assert now["R1", SUNDAY].id != there["R1", SUNDAY].id
    assert now["R1", SUNDAY].n_needed == 1
    assert now["R2", SUNDAY].id == there["R2", SUNDAY].id
    assert store.mission_by_id(session, there["R1", SUNDAY].id).closes_s == NOW_S + 60


def test_nothing_happens_twice(session, city):
    city.refresh(session, (1, 0, 0))
    before = {one.id for one in store.open_missions(session, NOW_S)}
    told = city.refresh(session, (1, 0, 0), now_s=NOW_S + 60)
    assert (told.n_made, told.n_done, told.n_closed) == (0, 0, 0)
    assert {one.id for one in store.open_missions(session, NOW_S + 60)} == before


def test_what_is_over_makes_room_for_the_same_again(session, city):
    city.refresh(session)
    later = NOW_S + MissionRules().open_days * DAY_S
    assert store.open_missions(session, later) == []
    told = city.refresh(session, now_s=later, number=2)
    assert (told.n_closed, told.n_made) == (16, 16)


def test_what_grew_old_is_asked_for_again(session, city):
    twice = [(1, 0, 0), (2, 0, 7)]
    city.refresh(session, *twice)
    assert ("R1", SUNDAY) not in opened(session)
    later = NOON_S + 98 * DAY_S
    city.refresh(session, *twice, now_s=later, number=2)
    assert opened(session, later)["R1", SUNDAY].evidence["why"] == "stale"


def test_one_voice_with_two_accounts_is_one_observer(session, city):
    city.refresh(session, (1, 0, 0), (2, 0, 7), voice_of={2: 1})
    assert opened(session)["R1", SUNDAY].n_needed == 1


def test_a_ride_that_is_withheld_observes_nothing(session, city):
    city.refresh(session, (1, 0, 0), (2, 0, 7), withheld={"r1"})
    assert opened(session)["R1", SUNDAY].n_needed == 1


def test_what_is_held_back_has_no_mission_and_loses_those_it_had(session, city, tmp_path):
    city.refresh(session)
    hidden = City(city.archive, held_back=(1,))
    told = hidden.refresh(session, now_s=NOW_S + 60, number=2)
    names = {one.route_id for one in store.open_missions(session, NOW_S + 60) if not one.is_check}
    assert names == {"R1", "R3"}
    assert told.n_closed == 5


def test_rows_say_nothing_of_which_is_a_check(session, city):
    city.refresh(session)
    rows = store.open_missions(session, NOW_S)
    (check,) = (one for one in rows if one.is_check)
    assert check.route_id not in ("R1", "R2", "R3")
    assert len({tuple(sorted(one.evidence)) for one in rows}) == 1
    seed = missions.check_seed(KEY, 1)
    assert {one.evidence["seed_sha256"] for one in rows} == {missions.missions.commitment(seed)}
    assert len({(one.made_s, one.closes_s, one.campaign_id) for one in rows}) == 1


def test_a_ride_made_up_for_a_check_is_named_and_no_other(session, city):
    city.refresh(session)
    (check,) = (one for one in store.open_missions(session, NOW_S) if one.is_check)
    parts = missions.missions
    when = next(
        NOW_S + hour * 3_600
        for hour in range(1, 7 * 24)
        if parts.day_part_of(NOW_S + hour * 3_600, "America/Mexico_City") == check.day_part
    )
    lat, lon = np.array(check.evidence["places"]).T
    made_up = Fixes(when + 60.0 * np.arange(len(lat)), lat, lon, np.full(len(lat), 5.0))
    assert terms.claimed_checks(session, made_up, "America/Mexico_City") == [check.id]
    honest = ride_along(EAST, when).fixes
    assert terms.claimed_checks(session, honest, "America/Mexico_City") == []
    before = replace(made_up, time_s=made_up.time_s - 60 * DAY_S)
    assert terms.claimed_checks(session, before, "America/Mexico_City") == []


def test_a_seed_is_told_once_none_of_its_missions_is_open(session, city):
    archive = city.archive
    key = missions.segment_key(session, archive)
    store.add_feed(session, store.feed_like(city.version, made_s=1.0, feed_sha256="", evidence_sha256="",
                                            rules_version="", n_rides=0, notices=[]))  # fmt: skip
    row = {"route_id": "R1", "direction_id": 0, "day_part": SUNDAY, "lat_deg": 1.0, "lon_deg": 1.0}
    row |= {"n_needed": 1, "bonus_permille": 1_500, "is_check": True}
    sha256 = missions.missions.commitment(missions.check_seed(key, 1))
    (one,) = store.add_missions(session, 1, [row | {"evidence": {"seed_sha256": sha256}}], NOW_S, NOW_S + 9)
    assert missions.ended_seeds(session, archive) == []
    store.end_mission(one, "closed", NOW_S + 5)
    session.flush()
    assert missions.ended_seeds(session, archive) == [(1, missions.check_seed(key, 1).hex(), sha256)]


def test_missions_lie_in_the_campaign_of_their_place(session, city):
    there = {"area": "19.0,-100.0,19.41,-99.0", "state": "open", "opened_s": 1.0}
    session.add(store.Campaign(id=7, slug="n", name_es="n", name_en="n", made_s=1.0, **there))
    session.flush()
    city.refresh(session)
    made = store.open_missions(session, NOW_S)
    assert {(one.campaign_id, one.lat_deg <= 19.41) for one in made} == {(7, True), (1, False)}


def test_a_day_begins_at_the_midnight_of_the_city(session, city, riders):
    """Eight in the evening of Mexico City is two in the morning of the next day in Greenwich."""
    evening_s = NOON_S + 8 * 3600
    last = store.add_user(session, "rider 9", "", 1.0).id
    seen = city.seen((1, 0, 0), (2, 0, 7), start_s=evening_s)
    missions.refresh(session, city.archive, seen, Config(), RULES, NOW_S)
    store.adopt_route(session, last, "R1", NOW_S)
    last_day = terms.city_day(evening_s + 7 * DAY_S, "America/Mexico_City")
    known = missions.coverage(session)
    assert known["last_day"]["R1"] == last_day == int((NOON_S + 7 * DAY_S) // DAY_S)
    assert known["day"] == terms.city_day(NOW_S, "America/Mexico_City")
    night_s = NOON_S + 97 * DAY_S + 8 * 3600  # 90 days after it, by the clock of the city
    assert missions.stale_of(session, store.adopted_routes(session, last), night_s) == [("R1", 90)]
    assert missions.stale_of(session, store.adopted_routes(session, last), night_s - DAY_S) == []


def test_two_riders_cannot_hold_the_same(session, city, riders):
    city.refresh(session)
    mission = opened(session)["R1", SUNDAY].id
    assert missions.reserve(session, mission, riders[0], NOW_S) == ""
    assert missions.reserve(session, mission, riders[1], NOW_S + 1) == "held"
    assert missions.reserve(session, mission, riders[0], NOW_S + 1) == "mine"
    over = NOW_S + MissionRules().hold_s
    assert missions.reserve(session, mission, riders[1], over) == ""
    assert missions.reserve(session, mission, riders[0], over) == "held"
    assert missions.reserve(session, 10**6, riders[0], NOW_S) == "not_open"


def test_of_many_who_ask_at_once_one_gets_it(engine, tmp_path):
    """Eight riders on connections of their own: the mission's row lets one after the other ask."""
    with store.session(engine) as session:
        City(Archive(str(tmp_path / "archive"))).refresh(session)
        many = [store.add_user(session, f"rider {nth}", "", 1.0).id for nth in range(8)]
        mission = opened(session)["R1", SUNDAY].id

    def ask(user_id):
        with store.session(engine) as own:
            why = missions.reserve(own, mission, user_id, NOW_S)
            own.commit()
            return why

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(ask, many))
    assert sorted(told) == ["", *["held"] * 7]


def test_who_leaves_a_mission_leaves_it_to_others(session, city, riders):
    city.refresh(session)
    mission = opened(session)["R1", SUNDAY].id
    missions.reserve(session, mission, riders[0], NOW_S)
    assert store.leave_mission(session, mission, riders[0], NOW_S + 10)
    assert not store.leave_mission(session, mission, riders[0], NOW_S + 11)
    assert missions.reserve(session, mission, riders[0], NOW_S + 12) == "lapsed"
    assert missions.reserve(session, mission, riders[1], NOW_S + 12) == ""


def test_nobody_holds_more_than_the_rules_say(session, city, riders):
    city.refresh(session)
    ids = [one.id for one in store.open_missions(session, NOW_S)]
    told = [missions.reserve(session, one, riders[0], NOW_S) for one in ids[:4]]
    assert told == ["", "", "", "too_many"]


def test_a_ride_is_paid_by_the_rows_of_its_time_whatever_happens_later(session, city, riders):
    city.refresh(session)
    ride = ("R1", 0, riders[0], NOW_S + 60, "America/Mexico_City")
    part = missions.missions.day_part_of(NOW_S + 60, "America/Mexico_City")
    mission = opened(session)["R1", part]
    assert terms.bonus_of_ride(session, *ride) == (2_000, mission.id)
    missions.reserve(session, mission.id, riders[1], NOW_S + 30)
    assert terms.bonus_of_ride(session, *ride) == (1_000, None)
    store.note_ridden(session, mission.id, riders[1])
    store.end_mission(mission, "done", NOW_S + 500)
    session.flush()
    assert terms.bonus_of_ride(session, *ride) == (1_000, None)
    assert terms.bonus_of_ride(session, "R1", 0, riders[1], *ride[3:]) == (2_000, mission.id)
    assert terms.bonus_of_ride(session, "", None, riders[1], *ride[3:]) == (1_000, None)


def test_who_looks_after_a_route_is_told_when_it_grows_old(session, city, riders):
    city.refresh(session, (1, 0, 0), (2, 0, 7), (1, 1, 30))
    for route_id in ("R1", "R2", "R1"):
        store.adopt_route(session, riders[0], route_id, NOW_S)
    assert store.adopted_routes(session, riders[0]) == ["R1", "R2"]
    assert missions.stale_of(session, ["R1", "R2"], NOW_S) == []
    assert missions.stale_of(session, ["R1", "R2"], NOON_S + 98 * DAY_S) == [("R1", 91)]
    store.leave_route(session, riders[0], "R1")
    assert store.adopted_routes(session, riders[0]) == ["R2"]
    assert missions.stale_of(session, ["R2"], NOON_S + 98 * DAY_S) == []


def test_what_is_known_of_the_whole_is_kept_for_the_pages(session, city):
    assert missions.coverage(session) == {}
    city.refresh(session, (1, 0, 0), (2, 0, 7), (1, 1, 0))
    known = missions.coverage(session)
    assert [one["target_permille"] for one in known["forecasts"]] == [500, 800, 900]
    assert known["forecasts"][0]["share_permille"] == 66
    assert set(known["last_day"]) == {"R1", "R2", "R3"}


def test_before_a_feed_there_is_nothing_to_refresh(session, tmp_path):
    archive = Archive(str(tmp_path / "archive"))
    assert missions.refresh_now(session, archive, Config(), RULES, NOW_S) is None


def test_days_are_whole_numbers(session, city):
    city.refresh(session, (1, 0, 0))
    assert all(isinstance(one.evidence["last_day"], int) for one in store.open_missions(session, NOW_S))
    assert np.isfinite([one.closes_s for one in store.open_missions(session, NOW_S)]).all()


def test_the_command_line_lists_what_is_open(sqlite_engine, city, tmp_path):
    now_s = time.time()
    with store.session(sqlite_engine) as session:
        city.refresh(session, (1, 0, 0), now_s=now_s)
    options = ["--database-url", str(sqlite_engine.url), "--archive-url", str(tmp_path / "archive")]
    told = CliRunner().invoke(main, ["points", "missions", "--json", *options])
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert len(found["missions"]) == 16
    assert [one["target_permille"] for one in found["forecasts"]] == [500, 800, 900]
    assert "check" not in json.dumps(found["missions"]).replace("seed_sha256", "")
    table = CliRunner().invoke(main, ["points", "missions", *options])
    assert len(table.stdout.splitlines()) == 16
    assert CliRunner().invoke(main, ["points", "missions", "--make", "--seeds", *options]).exit_code == 0
