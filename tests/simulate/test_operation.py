import datetime

import numpy as np

from transitmap.simulate.operation import day_type, midnight_s, plan_departures

MONDAY = datetime.date(2026, 3, 2)


def test_day_types():
    assert [day_type(MONDAY + datetime.timedelta(days=k)) for k in range(7)] == [0, 0, 0, 0, 0, 1, 2]


def test_midnight_in_central_mexico_is_six_utc(city):
    assert midnight_s(city, MONDAY) == datetime.datetime(2026, 3, 2, 6, tzinfo=datetime.UTC).timestamp()


def test_departures_keep_their_headway_on_average_and_not_exactly(city):
    departures = plan_departures(city, MONDAY, 5, np.random.default_rng(1))
    busiest = int(np.argmin(city.headway_s[:, 0, 8]))
    rows = (departures.pattern_index == busiest) & (departures.departure_s // 3600 == 8)
    seen_s = 5 * 3600.0 / rows.sum()
    assert abs(seen_s / city.headway_s[busiest, 0, 8] - 1) < 0.2
    gap_s = np.diff(departures.departure_s[rows & (departures.day_index == 0)])
    assert 0.1 < gap_s.std() / gap_s.mean() < 0.7


def test_departures_are_sorted_within_pattern_and_day(city):
    departures = plan_departures(city, MONDAY, 3, np.random.default_rng(1))
    key = departures.pattern_index * 1e7 + departures.day_index * 1e5 + departures.departure_s
    assert (np.diff(key) >= 0).all()
