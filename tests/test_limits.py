from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa

from transitmap import store
from transitmap.config import QuotaConfig

NOW_S = 1_790_000_000.0
DAY_S = 86_400
TEN_A_MINUTE = 10 / 60


def allowed(session, n: int, now_s: float, key: str = "k") -> int:
    return sum(store.take(session, key, TEN_A_MINUTE, 10, now_s) == 0 for _ in range(n))


def test_a_burst_then_one_every_six_seconds(session):
    assert allowed(session, 15, NOW_S) == 10
    assert allowed(session, 5, NOW_S + 5.9) == 0
    assert allowed(session, 5, NOW_S + 6.1) == 1
    assert allowed(session, 50, NOW_S + 3600) == 10


def test_the_wait_is_told_and_enough(session):
    allowed(session, 10, NOW_S)
    wait_s = store.take(session, "k", TEN_A_MINUTE, 10, NOW_S + 1)
    assert wait_s == pytest.approx(5.0)
    assert store.take(session, "k", TEN_A_MINUTE, 10, NOW_S + 1 + wait_s + 1e-6) == 0


def test_keys_do_not_share(session):
    assert allowed(session, 10, NOW_S) == 10
    assert allowed(session, 10, NOW_S, "other") == 10


@pytest.mark.parametrize("back_s", [1.0, 59.0, 3600.0, 2 * 365 * DAY_S])
def test_a_clock_that_jumps_back_neither_fills_nor_locks(session, back_s):
    assert allowed(session, 10, NOW_S) == 10
    assert allowed(session, 3, NOW_S - back_s) == 0
    assert allowed(session, 3, NOW_S - back_s + 66) >= 1, "a minute later somebody gets in again"


def test_sweeping_forgets_what_is_full_again_and_mends_what_lies_ahead(session):
    allowed(session, 10, NOW_S, "old")
    allowed(session, 10, NOW_S + 5 * DAY_S, "ahead")
    store.sweep_limits(session, NOW_S + 3 * DAY_S)
    rows = dict(session.execute(sa.select(store.Bucket.key, store.Bucket.updated_s)).all())
    assert rows == {"ahead": NOW_S + 3 * DAY_S}
    assert allowed(session, 1, NOW_S + 3 * DAY_S, "ahead") == 0


WORKER = """
import sys, time
from transitmap import store
engine = store.open_engine(sys.argv[1])
sys.stdin.readline()
n = 0
for _ in range(40):
    with store.session(engine) as session:
        n += store.take(session, "shared", 10 / 60, 10, float(sys.argv[2])) == 0
print(n)
"""


def test_two_workers_allow_exactly_ten_a_minute(database_url):
    """As F-09 of the fault list: a limiter in each worker's memory allowed twenty."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, database_url, str(NOW_S + k)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for k in (0, 0.5)
    ]
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    counts = [int(worker.communicate(timeout=600)[0]) for worker in workers]
    assert sum(counts) == 10, counts


def test_a_network_is_a_keyed_hash():
    key = store.address_key("login", "203.0.113.7", "secret")
    assert key == store.address_key("login", "203.0.113.250", "secret"), "one /24"
    assert key == store.address_key("login", "::ffff:203.0.113.9", "secret"), "the same in IPv6 clothes"
    assert key != store.address_key("login", "203.0.114.7", "secret")
    assert key != store.address_key("sign-up", "203.0.113.7", "secret")
    assert key != store.address_key("login", "203.0.113.7", "other secret"), "not to be looked up in a table"
    assert "203" not in key.partition(":")[2][:3] and len(key) <= 96
    six = store.address_key("login", "2001:db8:1:2::1", "secret")
    assert six == store.address_key("login", "2001:db8:1:ffff::9", "secret"), "one /48"
    assert six != store.address_key("login", "2001:db8:2::1", "secret")
    assert store.address_key("login", "unix:", "s") == store.address_key("login", "", "s")


def test_usage_adds_up_by_day_and_rider(session):
    one, two = (store.add_user(session, name, "h", NOW_S).id for name in ("one", "two"))
    quota = QuotaConfig(max_uploads=2, max_messages=3, max_bytes=1000, max_fixes=0)
    for _ in range(2):
        store.add_usage(session, one, NOW_S, n_messages=1, n_bytes=10, n_fixes=10**9)
    assert store.quota_wait_s(session, one, quota, NOW_S) == 0
    store.add_usage(session, one, NOW_S, n_messages=1)
    wait_s = store.quota_wait_s(session, one, quota, NOW_S)
    assert 0 < wait_s <= DAY_S
    assert (NOW_S + wait_s) % DAY_S == 0, "the next day begins then"
    assert store.quota_wait_s(session, one, quota, NOW_S + wait_s) == 0
    assert store.quota_wait_s(session, two, quota, NOW_S) == 0
    assert store.quota_wait_s(session, one, quota, NOW_S, "uploads") == 0, "files are counted apart"
    store.add_usage(session, one, NOW_S, n_bytes=1000)
    assert store.quota_wait_s(session, one, quota, NOW_S, "uploads") > 0, "bytes are bytes"
