"""One simulated town, built once, for the tests that need a whole build."""

import datetime

import pytest

from transitmap.build import build_feed
from transitmap.config import Config
from transitmap.simulate import SimulateConfig, simulate_city, simulate_rides, write_dataset


@pytest.fixture(scope="session")
def town(tmp_path_factory):
    """A folder with the truth of a town of three routes, and feed.zip, report.csv, evidence.csv beside it."""
    folder = tmp_path_factory.mktemp("town")
    config = SimulateConfig(n_routes=3, width_m=7_000.0, height_m=6_000.0)
    write_dataset(simulate_rides(simulate_city(11, config), 11, n_rides=160, n_riders=40), folder)
    built = build_feed([folder / "rides.zip"], Config(), datetime.date(2026, 3, 20))
    (folder / "feed.zip").write_bytes(built.feed.zip_bytes)
    (folder / "report.csv").write_text(built.report_csv)
    (folder / "evidence.csv").write_text(built.feed.evidence_csv)
    return folder
