"""The demo campaign: filled once, published without a notice, and replayed to the last millipoint."""

import datetime
import time

import pytest

from tests.gtfs.gate import pass_gate
from transitmap import demo, store
from transitmap.archive import Archive
from transitmap.config import server_defaults
from transitmap.gtfs.read import read_tables
from transitmap.points.rules import load_rules
from transitmap.replay import replay


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    url, archive = f"sqlite:///{folder / 't.sqlite'}", str(folder / "archive")
    store.upgrade(url)
    stages = []

    def fill():
        return demo.fill(
            url,
            archive,
            server_defaults(),
            lambda stage, share: stages.append(share),
            n_rides=150,
            n_riders=25,
        )

    assert fill() == 150
    assert stages == sorted(stages) and stages[-1] == 1.0
    return url, archive, fill


def test_a_second_start_adds_nothing(filled):
    assert filled[2]() == 0


def test_its_feeds_are_published_without_a_notice(filled):
    url, archive, _ = filled
    with store.session(store.open_engine(url), write=False) as session:
        feeds = store.feeds(session)
        assert len(feeds) >= 1
        assert [feed.notices for feed in feeds] == [[]] * len(feeds)
        assert Archive(archive).get(feeds[0].feed_sha256).startswith(b"PK")


@pytest.mark.parametrize("variant", ["frequencies", "expanded"])
def test_its_last_feed_passes_all_rules_in_both_variants(filled, variant, tmp_path):
    url, archive, _ = filled
    with store.session(store.open_engine(url), write=False) as session:
        last = max(store.feeds(session), key=lambda feed: feed.made_s)
        (tmp_path / "gtfs.zip").write_bytes(Archive(archive).get(last.feed_sha256))
    day = datetime.datetime.fromtimestamp(last.made_s, datetime.UTC).date()
    pass_gate(read_tables(tmp_path / "gtfs.zip"), variant, day, tmp_path)


def test_nothing_of_it_lies_in_the_future(filled):
    with store.session(store.open_engine(filled[0]), write=False) as session:
        assert max(feed.made_s for feed in store.feeds(session)) <= time.time()
        assert max(line.created_s for line in store.ledger_rows(session)) <= time.time()


def test_its_ledger_follows_from_the_raw_uploads(filled):
    url, archive, _ = filled
    with store.session(store.open_engine(url), write=False) as session:
        assert replay(session, Archive(archive), server_defaults(), load_rules()) == []
        standings = store.standings_rows(session)
        assert sum(one.millipoints for one in standings) > 0
        assert sum(one.millipoints for one in standings) == sum(
            line.millipoints for line in store.ledger_rows(session)
        )
