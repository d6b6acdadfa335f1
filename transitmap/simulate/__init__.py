"""A fictional city, its vehicles and its riders, with known truth."""

from transitmap.simulate.config import SimulateConfig
from transitmap.simulate.network import City, simulate_city
from transitmap.simulate.rides import TrueRide
from transitmap.simulate.simulation import Dataset, SimulatedRide, simulate_rides
from transitmap.simulate.write import write_dataset

__all__ = [
    "City",
    "Dataset",
    "SimulateConfig",
    "SimulatedRide",
    "TrueRide",
    "simulate_city",
    "simulate_rides",
    "write_dataset",
]
