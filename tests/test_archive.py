"""The archive keeps what it says it keeps, and packs exactly."""

import hashlib
import os
from dataclasses import fields, make_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transitmap import archive
from transitmap.archive import Archive, pack_network, pack_ride, unpack_network, unpack_ride
from transitmap.model import (
    Fixes,
    HailStretches,
    Headways,
    HopTimes,
    HopWitnesses,
    Network,
    Patterns,
    Ride,
    Routes,
    Shapes,
    Stops,
    Taps,
)

BYTES_PER_FIX = 5.0


@pytest.fixture(params=["folder", "file-url", "memory-url"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    urls = {
        "folder": str(tmp_path / "archive"),
        "file-url": f"file://{tmp_path / 'archive'}",
        "memory-url": f"memory://{tmp_path}",
    }
    return Archive(urls[request.param])


def test_a_body_comes_back_by_its_sha256(store: Archive) -> None:
    sha = store.put(b"a ride")
    assert sha == hashlib.sha256(b"a ride").hexdigest()
    assert store.has(sha)
    assert store.get(sha) == b"a ride"
    assert store.put(b"a ride") == sha


def test_a_forgotten_body_is_gone_and_may_be_forgotten_twice(store: Archive) -> None:
    sha = store.put(b"a ride")
    store.delete(sha)
    store.delete(sha)
    assert not store.has(sha)
    with pytest.raises(KeyError):
        store.get(sha)


def test_only_a_sha256_is_a_name(store: Archive) -> None:
    for name in ("../../etc/passwd", "", "a" * 63, "A" * 64, "a" * 64 + "\n"):
        with pytest.raises(ValueError, match="not a SHA-256"):
            store.get(name)


def test_bodies_are_fanned_out_and_no_temporary_file_is_left(tmp_path: Path) -> None:
    sha = Archive(tmp_path).put(b"x" * 100_000)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [
        f"{sha[:2]}/{sha[2:]}"
    ]


def test_the_body_is_on_the_disk_before_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    fsync, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (happened.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda a, b: (happened.append("rename"), rename(a, b))[1])
    (tmp_path / hashlib.sha256(b"a").hexdigest()[:2]).mkdir()
    Archive(tmp_path).put(b"a")
    assert happened == ["fsync", "rename", "fsync"]


def test_a_full_disk_raises_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    keeper = Archive(tmp_path)
    (tmp_path / hashlib.sha256(b"a").hexdigest()[:2]).mkdir()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keeper.put(b"a")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_changed_body_is_noticed(tmp_path: Path) -> None:
    keeper = Archive(tmp_path)
    sha = keeper.put(b"a ride")
    (tmp_path / sha[:2] / sha[2:]).write_bytes(b"another")
    with pytest.raises(OSError, match="archive damaged"):
        keeper.get(sha)


def made_up_ride(n: int, seed: int = 1) -> Ride:
    """An hour or so at 1 Hz through a city at bus speed, with the slow error of a phone."""
    chance = np.random.default_rng(seed)
    speed_m_s = 6.0 + 5.0 * np.sin(np.arange(n) / 40.0)
    heading = np.cumsum(chance.normal(0, 0.03, n))
    error_m = np.cumsum(chance.normal(0, 0.4, (2, n)), axis=1) * 0.3 + chance.normal(0, 0.3, (2, n))
    lat_deg = 19.43 + (np.cumsum(speed_m_s * np.cos(heading)) + error_m[0]) / 110_600
    lon_deg = -99.13 + (np.cumsum(speed_m_s * np.sin(heading)) + error_m[1]) / 104_700
    time_s = 1_772_447_400.0 + np.arange(n)
    accuracy_m = np.round(np.abs(chance.normal(5, 1, n)), 1)
    taps = Taps(np.array([time_s[3], np.nan]), lat_deg[:2], lon_deg[:2], ("Mercado", ""))
    said = {"label": "Ruta 1 ñ", "declared_mode": "bus", "rider_id": "r7", "warnings": ("time_jump",)}
    return Ride(
        "a/b.gpx#2", Fixes(time_s, lat_deg, lon_deg, accuracy_m), taps, dropped={"no_time": 3}, **said
    )


def test_a_fix_costs_at_most_five_bytes() -> None:
    packed = pack_ride(made_up_ride(3600))
    assert len(packed) <= BYTES_PER_FIX * 3600


def test_a_ride_comes_back_to_the_millisecond_and_the_centimetre() -> None:
    ride = made_up_ride(500)
    back = unpack_ride(pack_ride(ride))
    assert (back.ride_id, back.label, back.declared_mode, back.rider_id) == (
        "a/b.gpx#2",
        "Ruta 1 ñ",
        "bus",
        "r7",
    )
    assert (back.dropped, back.warnings, back.taps.name) == ({"no_time": 3}, ("time_jump",), ("Mercado", ""))
    np.testing.assert_array_equal(back.fixes.time_s, ride.fixes.time_s)
    np.testing.assert_allclose(back.fixes.lat_deg, ride.fixes.lat_deg, rtol=0, atol=0.51e-7)
    np.testing.assert_allclose(back.fixes.lon_deg, ride.fixes.lon_deg, rtol=0, atol=0.51e-7)
    np.testing.assert_allclose(back.fixes.accuracy_m, ride.fixes.accuracy_m, rtol=0, atol=0.051)
    np.testing.assert_array_equal(np.isnan(back.taps.time_s), [False, True])


whole_fixes = st.lists(
    st.tuples(
        st.integers(-(10**13), 10**13),
        st.integers(-900_000_000, 900_000_000),
        st.integers(-1_800_000_000, 1_800_000_000),
        st.one_of(st.none(), st.integers(0, 10**6)),
    ),
    max_size=60,
)


@given(whole_fixes)
def test_packing_is_exact_to_the_integers(rows: list[tuple[int, int, int, int | None]]) -> None:
    columns = [np.array([row[i] for row in rows], dtype=np.int64) for i in range(3)]
    accuracy_m = np.array([np.nan if row[3] is None else row[3] / 10 for row in rows], dtype=float)
    fixes = Fixes(columns[0] / 1000, columns[1] / 1e7, columns[2] / 1e7, accuracy_m)
    none = np.zeros(0)
    back = unpack_ride(pack_ride(Ride("r", fixes, Taps(none, none, none, ())))).fixes
    np.testing.assert_array_equal(np.rint(back.time_s * 1000).astype(int), columns[0])
    np.testing.assert_array_equal(np.rint(back.lat_deg * 1e7).astype(int), columns[1])
    np.testing.assert_array_equal(np.rint(back.lon_deg * 1e7).astype(int), columns[2])
    np.testing.assert_array_equal(back.accuracy_m, accuracy_m)


def test_an_unscreened_ride_is_not_packed() -> None:
    ride = made_up_ride(5)
    gap = Fixes(ride.fixes.time_s * np.nan, ride.fixes.lat_deg, ride.fixes.lon_deg, ride.fixes.accuracy_m)
    with pytest.raises(ValueError, match="screen the ride first"):
        pack_ride(Ride("r", gap, ride.taps))


def test_bytes_of_another_kind_are_refused() -> None:
    packed = pack_ride(made_up_ride(5))
    for damaged in (b"", b"PK\x03\x04", packed[:-4], b"TMR\x02" + packed[4:]):
        with pytest.raises(ValueError, match="damaged|starts with"):
            unpack_ride(damaged)
    with pytest.raises(ValueError, match="not a Network: holds"):
        unpack_network(archive.pack_columns(made_up_ride(5).fixes))


def made_up_network() -> Network:
    """Two stops, one route, one pattern, and one of all that is told of it."""
    f, i = (lambda *v: np.array(v, dtype=float)), (lambda *v: np.array(v, dtype=np.int64))
    stops = Stops(
        f(19, 19.1), f(-99, -99.1), f(0, 90), f(3, 4), i(5, 6), i(2, 2), i(1, 3), f(0.9, 0.5), ("Á", "")
    )
    patterns = Patterns(
        i(0),
        i(1),
        i(5),
        i(2),
        i(3),
        f(0.8),
        ("Centro",),
        i(0, 2),
        i(0, 1),
        f(0, 900),
        f(0, 120),
        f(0, np.nan),
        i(2, 1),
    )
    headways = Headways(i(0), i(0), i(21600), i(36000), f(600), f(500), f(np.nan), i(7), np.array([True]))
    shapes = Shapes(i(0, 2), f(19, 19.1), f(-99, -99.1), f(0, 900))
    routes = Routes(("1",), ("",), f(np.nan))
    hops = HopTimes(i(0), i(0), i(21600), i(36000), f(120), f(np.nan), i(7))
    hails = HailStretches(i(0), f(150), f(640.5), i(9), i(4), f(0.87))
    days = ("America/Mexico_City", "2026-03-02", "2026-03-08")
    ridden = HopWitnesses(i(0), i(1), i(4), i(5), i(2), i(3), i(20_520))
    more = {"hops": hops, "hails": hails, "kerb_side": "right", "hop_witnesses": ridden}
    return Network(stops, routes, patterns, shapes, headways, *days, **more)


def test_a_network_comes_back_whole() -> None:
    network = made_up_network()
    back = unpack_network(pack_network(network))
    assert (back.timezone, back.first_day, back.last_day) == (
        "America/Mexico_City",
        "2026-03-02",
        "2026-03-08",
    )
    assert back.kerb_side == "right"
    for part in ("stops", "routes", "patterns", "shapes", "headways", "hops", "hails", "hop_witnesses"):
        for name, value in vars(getattr(network, part)).items():
            again = getattr(getattr(back, part), name)
            if isinstance(value, np.ndarray):
                assert again.dtype == value.dtype
                np.testing.assert_array_equal(again, value)
            else:
                assert again == value


def test_the_same_network_gives_the_same_bytes() -> None:
    assert pack_network(made_up_network()) == pack_network(made_up_network())
    assert pack_network(unpack_network(pack_network(made_up_network()))) == pack_network(made_up_network())


def without(table: Any, *names: str) -> Any:
    """The table as it was before it had some columns."""
    older = [column.name for column in fields(table) if column.name not in names]
    return make_dataclass("Older", older)(*(getattr(table, name) for name in older))


def test_a_network_kept_before_hails_were_looked_for_has_none() -> None:
    network = made_up_network()
    back = unpack_network(archive.pack_columns(without(network, "hops", "hails", "kerb_side")))
    assert (len(back.hails), len(back.hops), back.kerb_side) == (0, 0, "")
    np.testing.assert_array_equal(back.patterns.stop_index, network.patterns.stop_index)


def test_a_network_kept_before_days_and_ways_were_counted_does_not_know_them() -> None:
    network = made_up_network()
    parts = {
        "stops": without(network.stops, "last_day"),
        "patterns": without(network.patterns, "last_day"),
        "headways": without(network.headways, "last_day", "n_riders", "n_days"),
    }
    kept = without(replace(network, **parts), "hop_witnesses")
    back = unpack_network(archive.pack_columns(kept))
    assert back.stops.last_day.tolist() == [-1, -1]
    assert (back.patterns.last_day.tolist(), len(back.hop_witnesses)) == ([-1], 0)
    told = back.headways
    assert [one.tolist() for one in (told.n_riders, told.n_days, told.last_day)] == [[-1], [-1], [-1]]
    assert len(back.stops.take(np.array([True, False]))) == 1
