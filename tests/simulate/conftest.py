"""One default city and campaign for all tests of the simulator: they only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from transitmap.simulate import City, Dataset, simulate_city, simulate_rides, write_dataset


@pytest.fixture(scope="session")
def city() -> City:
    return simulate_city(7)


@pytest.fixture(scope="session")
def dataset(city: City) -> Dataset:
    return simulate_rides(city, 7)


@pytest.fixture(scope="session")
def folder(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("campaign")
    write_dataset(dataset, path)
    return path
