import numpy as np
import pytest

from transitmap.simulate.fictional_names import draw_districts, draw_pseudonyms, draw_streets


@pytest.mark.parametrize("draw", [draw_districts, draw_pseudonyms, draw_streets])
@pytest.mark.parametrize("n", [1, 24, 500])
def test_names_never_repeat_even_when_the_words_run_out(draw, n):
    names = draw(n, np.random.default_rng(3))
    assert len(names) == n == len(set(names))
