"""The canonical rules find nothing in our feeds, and their findings and failures reach us."""

import copy
import datetime
from dataclasses import replace

import numpy as np
import pytest

from tests.gtfs.small_city import TODAY, small_city, small_feed
from transitmap.errors import ConfigError, FeedInvalid, TransitmapError
from transitmap.gtfs.pack import pack
from transitmap.gtfs.validate import canonical
from transitmap.gtfs.validate.canonical import _notices
from transitmap.model import Routes


def hostile_city():
    """Names nobody cleaned, times nobody could drive, calls off both ends, shape points twice."""
    city = small_city()
    names = [
        "<b>CENTRO</b>",
        "=1+1",
        "parada",
        "\tx\n",
        "CU",
        "",
        "MERCADO DE LA PAZ",
        "ñ",
        "12",
        'a, "b"',
        *[""] * 4,
    ]
    along_m = city.patterns.along_m.copy()
    along_m[0], along_m[3] = -3.0, 3010.0
    shape_m = city.shapes.along_m.copy()
    shape_m[1] = shape_m[0] + 0.04
    return small_city(
        stops=replace(city.stops, name=tuple(names)),
        routes=Routes(("RUTA 12 DIRECTO POR AVENIDA", "33DP"), ("", "33DP (33dp)"), np.array([np.nan, 0.2])),
        patterns=replace(
            city.patterns,
            run_s=city.patterns.run_s / 100,
            along_m=along_m,
            headsign=("To 12", "NORTE", "hacia", "circuito"),
        ),
        shapes=replace(city.shapes, along_m=shape_m),
        first_day="2027-05-01",
    )


def check(tables, tmp_path, **settings):
    path = tmp_path / "feed.zip"
    path.write_bytes(pack(tables))
    return canonical(path, settings.pop("today", TODAY), "MX", **settings)


@pytest.mark.parametrize("lang", ["es", "en", "es-MX"])
def test_the_small_city_has_no_notice_at_all(tmp_path, lang):
    assert check(small_feed(lang=lang), tmp_path) == []


def test_a_hostile_city_has_no_error_and_no_warning(tmp_path):
    notices = check(small_feed(hostile_city()), tmp_path)
    assert [one for one in notices if one.severity != "info"] == []


@pytest.mark.parametrize("day_type", [0, 1, 2])
def test_service_on_one_day_of_the_week_has_no_warning(tmp_path, day_type):
    headways = small_city().headways
    weekday = headways.day_type == 0
    rows = {name: getattr(headways, name)[weekday] for name in headways.__dataclass_fields__}
    rows["day_type"] = np.full(weekday.sum(), day_type)
    city = small_city(headways=replace(headways, **rows), first_day=TODAY.isoformat())
    assert [one for one in check(small_feed(city), tmp_path) if one.severity != "info"] == []


def test_errors_come_first_with_file_and_line(tmp_path):
    tables = copy.deepcopy(small_feed())
    tables["trips.txt"]["route_id"][0] = "R99"
    tables["routes.txt"]["route_short_name"][0] = "Demasiado larga"
    notices = check(tables, tmp_path)
    assert [(one.rule, one.severity) for one in notices] == [
        ("foreign_key_violation", "error"),
        ("route_short_name_too_long", "warning"),
    ]
    assert notices[0].row == 2
    assert "R99" in notices[0].message
    assert "R99" in notices[0].values


def test_what_our_rules_leave_to_them_they_see(tmp_path):
    tables = copy.deepcopy(small_feed())
    for name, column in tables["stops.txt"].items():
        column.append("S99" if name == "stop_id" else column[0])  # nobody calls there
    for name, column in tables["shapes.txt"].items():
        column += ["unused", "unused"] if name == "shape_id" else column[:2]
    tables["trips.txt"]["service_id"][2] = "XX"
    tables["stop_times.txt"]["stop_sequence"][1] = "1"
    tables["agency.txt"]["agency_lang"][0] = "en"
    assert {
        "stop_without_stop_time",
        "unused_shape",
        "foreign_key_violation",
        "duplicate_key",
        "feed_info_lang_and_agency_lang_mismatch",
    } <= {one.rule for one in check(tables, tmp_path)}


def test_the_day_is_ours_to_say(tmp_path):
    rules = {one.rule for one in check(small_feed(), tmp_path, today=datetime.date(2028, 1, 1))}
    assert "expired_calendar" in rules


def test_a_broken_validator_is_no_clean_feed(tmp_path):
    path = tmp_path / "feed.zip"
    path.write_bytes(b"no zip at all")
    with pytest.raises(FeedInvalid) as caught:
        canonical(path, TODAY)
    assert caught.value.notices


def test_an_answer_that_takes_too_long_is_none(tmp_path):
    with pytest.raises(TransitmapError, match=r"no answer within 0\.01 s"):
        check(small_feed(), tmp_path, timeout_s=0.01)


def test_a_group_without_samples_still_counts():
    report = {"notices": [{"code": "x", "severity": "WARNING", "totalNotices": 2, "sampleNotices": []}]}
    assert [(one.rule, one.severity, one.row) for one in _notices(report)] == [("x", "warning", 0)]


@pytest.mark.parametrize("country", ["-x", "mx", "MEX", "MX\n"])
def test_a_country_that_is_none_never_reaches_the_command(tmp_path, country):
    with pytest.raises(ConfigError, match="two capitals"):
        canonical(tmp_path / "feed.zip", TODAY, country)
