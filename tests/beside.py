"""The folder `shared` beside the project, where there is one: rides with their truth, and a scorer."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"
SCORER = SHARED / "tools" / "score_feed.py"
needs_shared = pytest.mark.skipif(
    not SCORER.is_file(),
    reason="no folder `shared` with a scorer beside the project: nothing to compare with",
)
