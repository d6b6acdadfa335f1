import pytest

from transitmap.errors import ConfigError
from transitmap.simulate import SimulateConfig, simulate_city


@pytest.mark.parametrize(
    "wrong",
    [
        {"label_share": 1.2},
        {"junk_share": -0.1},
        {"mode": "tourist"},
        {"n_routes": 0},
        {"width_m": 900.0},
        {"interval_s": (1.0, 2.0)},
    ],
)
def test_a_city_that_cannot_be_is_refused_with_the_setting_at_fault(wrong):
    with pytest.raises(ConfigError) as caught:
        simulate_city(1, SimulateConfig(**wrong))
    assert "simulate." in caught.value.name
