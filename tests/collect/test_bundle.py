"""What a device said becomes the same rides in whatever order and however often it said it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collect.clients import test_osmand, test_overland, test_owntracks, test_recorder
from tests.collect.clients.messages import RECEIVED_S, get, post
from transitmap import archive, pipeline
from transitmap.collect import gather
from transitmap.collect.bundle import _unpacked, fix_keys, pack_bundle, read_bundle
from transitmap.collect.hear import hear
from transitmap.collect.parse import parse
from transitmap.config import CollectConfig, Config, LiveConfig
from transitmap.errors import UploadRefused
from transitmap.model import Fixes, IntArray, Message, Refusal, Ride

CONFIG = Config()
START_S = 1_795_370_000
NONE: IntArray = np.zeros(0, dtype=np.int64)
Row = tuple[float, float, float, float, str]


def owntracks(second: float, lat_deg: float | None = None, **other: object) -> Message:
    lat_deg = 19.4 + second * 1e-4 if lat_deg is None else lat_deg
    said = {**test_owntracks.LOCATION, "tst": START_S + second, "lat": lat_deg, "lon": -99.1}
    return post("owntracks", {**said, **other})


def gpslogger(second: int, more: str = "") -> Message:
    said = f"lat={19.4 + second * 1e-4:.7f}&lon=-99.1&timestamp={START_S + second}&acc=5.0&desc=&{more}"
    return get("gpslogger", said)


def overland(rows: Sequence[Row], mode: str = "") -> Message:
    features = [
        test_overland.feature(
            [-99.1 + lon, 19.4 + lat], timestamp=START_S + second, horizontal_accuracy=acc, trip_id=trip
        )
        for second, lat, lon, acc, trip in rows
    ]
    trip = {"start": "a", "mode": mode} if mode else {}
    return post("overland", {"locations": features, "trip": trip})


def read(messages: Sequence[Message], known: IntArray = NONE, config: Config = CONFIG) -> list[Ride]:
    return read_bundle("live", pack_bundle("Moto G", messages, known), config)


def refusal(messages: Sequence[Message], known: IntArray = NONE, config: Config = CONFIG) -> UploadRefused:
    with pytest.raises(UploadRefused) as caught:
        read(messages, known, config)
    return caught.value


def told(ride: Ride) -> Any:
    """Everything of a ride but how much was left out on the way to it."""
    fixes, taps = ride.fixes, ride.taps
    columns = [fixes.time_s, fixes.lat_deg, fixes.lon_deg, np.nan_to_num(fixes.accuracy_m, nan=-1)]
    marks = [taps.time_s.tolist(), taps.lat_deg.tolist(), taps.lon_deg.tolist(), taps.name]
    return [column.tolist() for column in columns], marks, ride.label, ride.declared_mode, ride.ride_id


def seconds(ride: Ride) -> list[float]:
    return (ride.fixes.time_s - START_S).tolist()


def test_messages_come_out_of_a_bundle_as_they_went_in() -> None:
    odd = Message("osmand", 1.5, "GET", "é", "\udcff=1", {"user-agent": "x\n"}, b"\xff\x00")
    messages = [owntracks(0), odd, post("ulogger", "ñ\n\u2028"), post("owntracks", b"")]
    body = pack_bundle("Moto «G»", messages, NONE)
    assert json.loads(body.splitlines()[1]) == {"device": "Moto «G»", "known": ""}
    known, unpacked = _unpacked(body)
    assert len(known) == 0
    assert sorted(map(repr, unpacked)) == sorted(map(repr, messages))
    assert pack_bundle("Moto «G»", messages[::-1], NONE) == body


def test_a_bundle_sent_as_a_file_is_no_trace() -> None:
    body = pack_bundle("x", [owntracks(second) for second in range(9)], NONE)
    with pytest.raises(UploadRefused) as caught:
        parse("ride.gpx", body, CollectConfig())
    assert caught.value.reason == "not_a_trace"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"<gpx/>",
        b"{}",
        b"[1]\n",
        b"transitmap live 1",
        b"transitmap live 1\n",
        b'transitmap live 2\n{"known":""}\n',
        b'transitmap live 1\n{"known":"AAA"}\n',
        b'transitmap live 1\n{"known":7}\n',
        b'transitmap live 1\n{"known":""}\n{}\n',
        b'transitmap live 1\n{"known":""}\n7\n',
        b"transitmap live 1\n" + b"[" * 100_000,
        b"[" * 100_000,
    ],
)
def test_what_is_no_bundle_is_refused(body: bytes) -> None:
    with pytest.raises(UploadRefused) as caught:
        read_bundle("live", body, CONFIG)
    assert caught.value.reason == "not_a_trace"


def test_a_ride_ends_where_the_device_is_silent() -> None:
    rides = read([owntracks(second) for second in (0, 10, 910, 1811, 1820)])
    assert [ride.ride_id for ride in rides] == ["live", "live#2"]
    assert [seconds(ride) for ride in rides] == [[0, 10, 910], [1811, 1820]]
    sooner = Config(live=LiveConfig(silence_s=60))
    assert [
        seconds(ride) for ride in read([owntracks(s) for s in (0, 10, 910, 1811, 1820)], NONE, sooner)
    ] == [
        [0, 10],
        [1811, 1820],
    ]


def test_a_fix_alone_is_no_ride() -> None:
    (ride,) = read([owntracks(0), owntracks(10), owntracks(5_000)])
    assert (seconds(ride), ride.dropped) == ([0, 10], {"lone_fix": 1})
    assert refusal([owntracks(0), owntracks(5_000)]).reason == "too_short"


def test_a_ride_ends_where_the_trip_changes_and_a_wait_belongs_to_it() -> None:
    rows: list[Row] = [
        (s, s * 1e-4, 0, 5, trip) for s, trip in enumerate(["", "", "a", "", "a", "", "b", "b", ""])
    ]
    rides = read([overland(rows, mode="Bus")])
    assert [seconds(ride) for ride in rides] == [[0, 1, 2, 3, 4, 5], [6, 7, 8]]
    assert [ride.declared_mode for ride in rides] == ["bus", ""]


def test_trips_side_by_side_stay_apart() -> None:
    rows: list[Row] = [(s, s * 1e-4, 0, 5, "ab"[s % 2]) for s in range(6)]
    assert [seconds(ride) for ride in read([overland(rows)])] == [[0, 2, 4], [1, 3, 5]]


def test_a_trip_after_a_silence_is_a_ride_of_its_own() -> None:
    rows: list[Row] = [
        (s, s * 1e-6, 0, 5, trip)
        for s, trip in ((0, "a"), (9, "a"), (5000, ""), (5009, ""), (9000, "a"), (9009, "a"))
    ]
    rides = read([overland(rows, mode="tram")])
    assert [ride.declared_mode for ride in rides] == ["tram", "", "tram"]


def test_what_came_before_is_left_out() -> None:
    old = [gpslogger(second) for second in range(1_000)]
    fixes = read(old)[0].fixes
    replay = [gpslogger(second) for second in range(1_010)]
    (ride,) = read(replay, fix_keys(fixes))
    assert seconds(ride) == list(range(1_000, 1_010))
    assert ride.dropped == {"duplicate_fix": 1_000}
    assert refusal(old, fix_keys(fixes)).reason == "already_contributed"


def test_a_bundle_holds_only_the_keys_it_needs() -> None:
    keys = fix_keys(read([owntracks(second) for second in range(100)])[0].fixes)
    body = pack_bundle("x", [owntracks(3), owntracks(200), owntracks(201)], keys)
    assert len(json.loads(body.splitlines()[1])["known"]) == 12
    assert body == pack_bundle("x", [owntracks(3), owntracks(200), owntracks(201)], keys[::-1])


def test_keys_are_those_of_what_the_archive_keeps() -> None:
    assert (gather.MS_PER_S, gather.PER_DEG) == (archive.MS_PER_S, archive.PER_DEG)
    (ride,) = read([owntracks(s, 19.123456789 + s * 1e-3) for s in range(9)])
    again = archive.unpack_ride(archive.pack_ride(ride))
    assert fix_keys(again.fixes).tolist() == fix_keys(ride.fixes).tolist()


def test_keys_of_neighbours_differ() -> None:
    n = 100_000
    lat_deg, lon_deg = 19.0 + np.arange(n) % 100 * 1e-7, -99.0 - np.arange(n) // 100 % 100 * 1e-7
    fixes = Fixes(START_S + np.arange(n) // 10_000 * 1e-3, lat_deg, lon_deg, lat_deg)
    assert len(set(fix_keys(fixes).tolist())) == n


def test_of_two_places_at_one_time_the_exact_one_stays_and_is_flagged() -> None:
    there = [owntracks(0), owntracks(10, 19.5, acc=50), owntracks(10, 19.4, acc=4), owntracks(20, 19.4)]
    for messages in (there, there[::-1]):
        (ride,) = read(messages)
        assert ride.fixes.lat_deg.tolist() == [19.4, 19.4, 19.4]
        assert (ride.dropped, ride.flagged) == ({"duplicate_time": 1}, {"duplicate_time": 1})


def test_made_up_positions_are_kept_and_counted() -> None:
    def traccar(second: int, mock: bool) -> Message:
        location = {**test_osmand.TRACCAR_9["location"], "timestamp": START_S + second, "mock": mock}
        return post("osmand", {**test_osmand.TRACCAR_9, "location": location})

    (ride,) = read([traccar(0, True), traccar(1, True), traccar(1, False), traccar(2, False)])
    assert (len(ride.fixes), ride.flagged) == (3, {"mock": 2})


def test_what_is_no_fix_is_counted_on_the_first_ride() -> None:
    pings = [
        owntracks(5, t="p"),
        owntracks(6, t="c"),
        post("owntracks", "x"),
        post("owntracks", {"_type": "lwt"}),
    ]
    rides = read([*pings, *(owntracks(s) for s in (0, 10, 5000, 5010))])
    assert [ride.dropped for ride in rides] == [
        {"bad_json": 1, "not_a_location": 1, "ping": 1, "region": 1},
        {},
    ]
    nothing = refusal(pings)
    assert nothing.reason == "no_track_points"
    assert "ping 1" in nothing.detail


def test_too_many_points_are_refused() -> None:
    config = Config(collect=CollectConfig(max_fixes=4))
    assert len(read([owntracks(s) for s in range(4)], NONE, config)[0].fixes) == 4
    assert refusal([owntracks(s) for s in range(5)], NONE, config).reason == "too_many_points"


def test_marks_and_words_find_their_ride() -> None:
    def recorded(trip: str, begin: int) -> dict[str, Any]:
        t_ms = (START_S + begin) * 1000
        points = [test_recorder.point(n, trip=trip, t=t_ms + n * 1000) for n in range(20)]
        events = [
            test_recorder.event("label", f"Ruta {trip}", trip=trip, t=t_ms, lat=None, lon=None),
            test_recorder.event("mode", "Combi", trip=trip, t=t_ms, lat=None, lon=None),
            test_recorder.event("stop", "", trip=trip, t=t_ms + 4250, lat=None, lon=None),
            test_recorder.event("fare", "8", trip=trip, t=t_ms + 5000),
            test_recorder.event("alight", "", trip=trip, t=t_ms + 30_000),
        ]
        return {"points": points, "events": events}

    first, second = recorded("12", 0), recorded("7", 2_000)
    both = {name: first[name] + second[name] for name in first}
    lone = test_recorder.event("stop", t=(START_S + 20_000) * 1000)
    unplaced = test_recorder.event("stop", t=(START_S + 500) * 1000, lat=None, lon=None)
    rides = read(
        [post("recorder", both), post("recorder", first), post("recorder", {"events": [lone, unplaced]})]
    )
    assert [(ride.label, ride.declared_mode) for ride in rides] == [("Ruta 12", "combi"), ("Ruta 7", "combi")]
    for ride, begin in zip(rides, (0, 2_000), strict=True):
        assert ride.taps.name == ("parada", "tarifa 8", "baja")
        assert (ride.taps.time_s - START_S - begin).tolist() == [4.25, 5, 30]
        assert ride.taps.lat_deg[0] == pytest.approx(19.4304)
    assert rides[0].dropped == {"duplicate_fix": 20, "lone_mark": 2}


def test_a_live_ride_is_screened_and_trimmed_as_a_file_is() -> None:
    messages = [owntracks(s) for s in range(100)] + [owntracks(s, 0.0, lon=0.0) for s in (5_000, 5_010)]
    body = pack_bundle("x", messages, NONE)
    config = Config(collect=CollectConfig(trim_m=200.0))
    ride, refused = pipeline.collect_live("live", body, config, RECEIVED_S)
    assert isinstance(ride, Ride)
    assert ride.dropped["trimmed"] + len(ride.fixes) == 100
    assert isinstance(refused, Refusal)
    assert (refused.ride_id, refused.reason) == ("live#2", "null_island")
    late = pipeline.collect_live("live", body, config, RECEIVED_S + 15 * 365 * 86_400)
    assert [one.reason for one in late if isinstance(one, Refusal)] == ["too_old", "null_island"]
    with pytest.raises(UploadRefused):
        pipeline.collect_live("live", b"<gpx/>", config, RECEIVED_S)


# --- whatever the order, the repetition and the batches ---

rows = st.tuples(
    st.integers(0, 40).map(lambda n: n * 300.0),
    st.integers(0, 3).map(lambda n: n * 1e-3),
    st.integers(0, 1).map(lambda n: n * 1e-3),
    st.sampled_from([4, 9, -1]),
    st.sampled_from(["", "", "a", "b"]),
)


@given(st.lists(rows, min_size=1, max_size=25), st.data())
def test_any_order_repetition_and_split_give_the_same_rides(said: list[Row], data: st.DataObject) -> None:
    whole = [overland(said, mode="bus")]
    again = data.draw(st.permutations(said + data.draw(st.lists(st.sampled_from(said), max_size=9))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(again)), max_size=5)))
    batches = [again[i:j] for i, j in zip([0, *cuts], [*cuts, len(again)], strict=True)]
    messages = [
        replace(overland(batch, mode="bus"), received_s=RECEIVED_S + data.draw(st.integers(0, 99_999)))
        for batch in batches
    ]
    messages += data.draw(st.lists(st.sampled_from(messages), max_size=3))
    try:
        expected: Any = [told(ride) for ride in read(whole)]
    except UploadRefused as refused:
        expected = refused.reason
        assert refusal(messages).reason == expected
        return
    rides = read(messages)
    assert [told(ride) for ride in rides] == expected
    times = np.concatenate([ride.fixes.time_s for ride in rides])
    assert len(set(times.tolist())) == len(times)
    for ride in rides:
        steps = np.diff(ride.fixes.time_s)
        assert ((steps > 0) & (steps <= CONFIG.live.silence_s)).all()
    n_heard = sum(len(hear(message).fixes) for message in messages)
    assert len(times) + sum(rides[0].dropped.values()) == n_heard, "each fix is kept or counted"


@given(st.lists(rows, min_size=2, max_size=25), st.integers(0, 25))
def test_what_one_bundle_holds_no_later_one_does(said: list[Row], at: int) -> None:
    try:
        first = read([overland(said[:at])])
        keys = np.concatenate([fix_keys(ride.fixes) for ride in first])
        later = read([overland(said)], keys)
    except UploadRefused:
        return
    held = set(keys.tolist())
    assert not held & {key for ride in later for key in fix_keys(ride.fixes).tolist()}
