"""TCX: laps are one ride, plans are none."""

from __future__ import annotations

import numpy as np
import pytest

from tests.collect.made_up import CONFIG, START_S
from transitmap.collect.formats.tcx import read_tcx
from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused
from transitmap.model import Ride

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"
 xmlns:ns3="http://www.garmin.com/xmlschemas/ActivityExtension/v2">"""
TAIL = "</TrainingCenterDatabase>"


def point(second: int, place: str | None = None, alt: str = "2240.5") -> str:
    position = (
        f"<LatitudeDegrees>{19.4 + second * 1e-4:.4f}</LatitudeDegrees>"
        "<LongitudeDegrees>-99.1</LongitudeDegrees>"
    )
    position = f"<Position>{position if place is None else place}</Position>" if place != "none" else ""
    return f"""<Trackpoint><Time>2026-03-02T10:00:{second:02}.000Z</Time>{position}
<AltitudeMeters>{alt}</AltitudeMeters><DistanceMeters>3.5</DistanceMeters>
<Extensions><ns3:TPX><ns3:Speed>8.5</ns3:Speed></ns3:TPX></Extensions></Trackpoint>"""


def lap(*points: str) -> str:
    head = '<Lap StartTime="2026-03-02T10:00:00Z"><TotalTimeSeconds>9</TotalTimeSeconds>'
    return f"{head}<Track>{''.join(points)}</Track></Lap>"


def activity(*laps: str, sport: str = "Biking") -> str:
    return f'<Activity Sport="{sport}"><Id>2026-03-02T10:00:00Z</Id>{"".join(laps)}</Activity>'


def read(inside: str, config: CollectConfig = CONFIG) -> list[Ride]:
    return read_tcx("ride.tcx", f"{HEAD}{inside}{TAIL}".encode(), config)


def refusal_of(inside: str, config: CollectConfig = CONFIG) -> UploadRefused:
    with pytest.raises(UploadRefused) as caught:
        read(inside, config)
    return caught.value


def test_an_activity_is_a_ride_of_all_its_laps() -> None:
    inside = activity(lap(point(0), point(1)), lap(point(2))) + activity(lap(point(30)), sport="Other")
    first, second = read(f"<Activities>{inside}</Activities>")
    assert first.fixes.time_s.tolist() == [START_S, START_S + 1, START_S + 2]
    np.testing.assert_allclose(first.fixes.lat_deg, [19.4, 19.4001, 19.4002], rtol=0, atol=1e-9)
    assert first.fixes.lon_deg.tolist() == [-99.1] * 3
    assert np.isnan(first.fixes.accuracy_m).all()
    assert (first.ride_id, first.declared_mode, first.dropped, first.warnings) == (
        "ride.tcx",
        "biking",
        {},
        (),
    )
    assert (second.ride_id, second.declared_mode, len(second.fixes)) == ("ride.tcx#2", "", 1)


@pytest.mark.parametrize("place", ["none", "", "<LatitudeDegrees>19.4</LatitudeDegrees>"])
def test_a_point_without_position_is_dropped_alone(place: str) -> None:
    (ride,) = read(activity(lap(point(0), point(1, place), point(2))))
    assert (len(ride.fixes), ride.dropped) == (2, {"no_position": 1})


def test_an_elevation_that_makes_no_sense_is_told() -> None:
    (ride,) = read(activity(lap(point(0, alt="1e300"), point(1))))
    assert (len(ride.fixes), ride.warnings) == (2, ("bad_elevation",))


def test_a_course_is_a_plan_and_no_ride() -> None:
    course = f"<Courses><Course><Name>Ruta</Name><Track>{point(0)}{point(1)}</Track></Course></Courses>"
    refusal = refusal_of(course)
    assert refusal.reason == "no_track_points"
    assert "1 courses" in refusal.detail
    (ride,) = read(course + f"<Activities>{activity(lap(point(5)))}</Activities>")
    assert ride.fixes.time_s.tolist() == [START_S + 5]


def test_limits_hold_here_too() -> None:
    inside = activity(lap(*map(point, range(4))))
    assert refusal_of(inside, CollectConfig(max_fixes=3)).reason == "too_many_points"
    assert len(read(inside, CollectConfig(max_fixes=4))[0].fixes) == 4
    with pytest.raises(UploadRefused) as caught:
        read_tcx("r", f"<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/'>{HEAD[39:]}{TAIL}".encode(), CONFIG)
    assert caught.value.reason == "doctype_forbidden"
