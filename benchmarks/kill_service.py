"""How much is lost when a service is killed under load: `python -m benchmarks.kill_service [KILLS] [URL]`.

Four riders send files and live batches without pause; every so often the whole process group gets SIGKILL
and is started anew. At the end every acknowledged byte must be there, every ride be paid once, and a replay
agree.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.service import (
    kill,
    lost_fixes,
    lost_uploads,
    make_site,
    replay_differences,
    riding,
    running,
    work_off,
)


def main() -> None:
    """Print a line a tenth of the kills, and the verdict."""
    n_kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    url, dice = sys.argv[2] if len(sys.argv) > 2 else "", random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        site, began_s = make_site(Path(folder), url), time.monotonic()
        with riding(site) as told:
            for number in range(1, n_kills + 1):
                with running(site) as process:
                    time.sleep(dice.uniform(0.05, 0.8))
                    kill(process)
                if number % max(1, n_kills // 10) == 0:
                    print(
                        f"{number} kills, {len(told.uploads)} files, {len(told.fixes)} fixes acknowledged, "
                        f"{told.n_uncertain} without an answer, {time.monotonic() - began_s:.0f} s"
                    )
        print(f"lost files: {len(lost_uploads(site, told))}, lost fixes: {len(lost_fixes(site, told))}")
        work_off(site)
        print(
            f"after `work --once`: lost files {len(lost_uploads(site, told))}, "
            f"lost fixes {len(lost_fixes(site, told))}, replay differs: {replay_differences(site) or 'no'}"
        )
        print(f"files left half written: {len(list(Path(site.archive_url).rglob('*.tmp*')))}")


if __name__ == "__main__":
    main()
