import csv
import io

import numpy as np

from tests.gtfs.small_city import small_city
from transitmap.archive import pack_network, unpack_network
from transitmap.gtfs.admit import admit
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.evidence import evidence_table
from transitmap.model import HopTimes


def city_with_hops():
    """Hops from the second call of the first pattern, the third of the second and the first of the last."""
    whole = [np.array(column) for column in ([1, 6, 13], [0, 0, 1], [21_600] * 3, [32_400] * 3)]
    return small_city(hops=HopTimes(*whole, np.array([130.0, 140.0, 90.0]), np.full(3, 20.0), np.full(3, 6)))


def test_every_timed_hop_has_a_row_of_evidence():
    network = city_with_hops()
    ids = carry_ids(network, None)
    rows = [row for row in csv.DictReader(io.StringIO(evidence_table(network, ids))) if row["kind"] == "hop"]
    calls = network.patterns.stop_index[[1, 2]]
    assert rows[0]["id"] == f"{ids.trip_id(0, 0)} {ids.stop_id[calls[0]]} {ids.stop_id[calls[1]]} 06:00-09:00"
    assert [(row["low"], row["high"], row["n_rides"]) for row in rows] == [
        ("110", "150", "6"),
        ("120", "160", "6"),
        ("70", "110", "6"),
    ]
    assert rows[0]["note"] == "130 s" and rows[2]["id"].startswith(ids.trip_id(3, 1))


def test_hops_go_with_the_calls_they_join():
    network = city_with_hops()
    assert admit(network, 1)[0].hops.call_index.tolist() == [1, 6, 13]
    kept = admit(network, 4)[0]  # three people rode the last pattern
    assert kept.hops.call_index.tolist() == [1, 6] and kept.hops.run_s.tolist() == [130.0, 140.0]


def test_hops_are_kept_in_the_archive():
    again = unpack_network(pack_network(city_with_hops()))
    assert again.hops.run_s.tolist() == [130.0, 140.0, 90.0]
