"""How long it takes to be told no: wrong names and wrong passwords in turns, compared by Mann-Whitney."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from transitmap import store
from transitmap.config import LimitConfig, server_defaults
from transitmap.passwords import hash_password
from webapp import create_app
from webapp.settings import Settings

N = 500


def main(n: int = N) -> None:
    """Prints both medians, their difference and the probability that chance alone made it."""
    from scipy.stats import mannwhitneyu

    with tempfile.TemporaryDirectory() as folder:
        client = _client(Path(folder))
        _asked_s(client, "Nobody")
        taken = [(_asked_s(client, "Coyote"), _asked_s(client, f"Nobody {k}")) for k in range(n)]
    known_s, unknown_s = zip(*taken, strict=True)
    medians_ms = [1000 * statistics.median(column) for column in (known_s, unknown_s)]
    chance = mannwhitneyu(known_s, unknown_s).pvalue
    print(f"wrong password {medians_ms[0]:.1f} ms, wrong name {medians_ms[1]:.1f} ms, n = {n} each")
    print(f"difference {abs(medians_ms[0] - medians_ms[1]):.2f} ms (< 5), p = {chance:.3f} (> 0.01)")


def _client(folder: Path):
    url = f"sqlite:///{folder / 'db.sqlite'}"
    store.upgrade(url)
    config = replace(server_defaults(), limits=LimitConfig(0, 0, 0, 0, 0, 0))
    app = create_app(Settings(url, str(folder / "archive"), "bench" * 8, config))
    app.config["WTF_CSRF_ENABLED"] = False
    with store.session(app.extensions["transitmap_engine"]) as session:
        store.add_user(session, "Coyote", hash_password("tres palabras y una"), 1.0)
    return app.test_client()


def _asked_s(client, name: str) -> float:
    began_s = time.perf_counter()
    answer = client.post("/accounts/log-in", data={"name": name, "password": "wrong password"})
    assert answer.status_code == 401
    return time.perf_counter() - began_s


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else N)
