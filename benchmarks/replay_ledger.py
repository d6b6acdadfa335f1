"""How long it takes to check the books of a large ledger: `python -m benchmarks.replay_ledger [N_LINES]`.

A made-up ledger of 100,000 riders: a ride has two lines, an award and a confirmation, in the own campaign or
in one with prizes of 170,000 pesos. Everything is checked: seals, order, keys, sums, tables, prizes.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from transitmap import chain
from transitmap.books import layout
from transitmap.books.contest import Contest, award, draw_csv, entrants_csv, prizes_csv
from transitmap.books.verify import verify_books
from transitmap.points.prizes import Entrant
from transitmap.store.points import monday

N_RIDERS, NOW_S = 100_000, 1_750_000_000.0
TEXT = (
    "{km:.1f} km nuevos de la ruta 27, que nadie había registrado; calidad 93 %: {points:.1f} puntos. "
    "Un cuarto se paga de inmediato, el resto cuando alguien más lo confirme."
)
PRIZES = (Path(__file__).parents[1] / "transitmap/points/prizes.toml").read_text(encoding="utf-8")


def main() -> None:
    """Print seconds of CPU and lines a second."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "books.zip"
        write(path, n)
        print(f"{n} lines: a zip of {path.stat().st_size / 1e6:,.0f} MB", flush=True)
        began_s, wall_s = time.process_time(), time.monotonic()
        found = verify_books(path)
        cpu_s, wall_s = time.process_time() - began_s, time.monotonic() - wall_s
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(f"verified in {cpu_s:.0f} s of CPU, {wall_s:.0f} s: {n / cpu_s:,.0f} lines/s of CPU")
        print(f"{found.n_flaws} flaws {found.flaws[:3]}, {memory_mb:,.0f} MB of memory")


def lines(n: int) -> Iterator[dict[str, Any]]:
    """The lines, always the same ones."""
    random = np.random.default_rng(1)
    riders = random.integers(1, N_RIDERS + 1, n // 2 + 1)
    metres = random.integers(200, 18_000, n // 2 + 1)
    for number in range(n):
        ride, length_m = number // 2, int(metres[number // 2])
        full, is_award = 10 * length_m, number % 2 == 0
        created_s = NOW_S + ride * 0.6
        yield {
            "sequence": number + 1,
            "key": f"{'award' if is_award else 'confirmation'}|{ride:032x}.1|{ride % 50}",
            "campaign_id": 1 + ride % 2,
            "kind": "award" if is_award else "confirmation",
            "ride_id": f"{ride:032x}.1",
            "user_id": int(riders[ride]),
            "rule": "new_metres" if is_award else "confirmed",
            "millipoints": full // 4 if is_award else full - full // 4,
            "verified_millipoints": 0 if is_award else full,
            "rules_version": "2026.3",
            "network_version": "20260101T000000Z-1a2b3c4d",
            "evidence": {"length_m": length_m, "quality": 0.93, "full_millipoints": full, "known_m": 0},
            "text_es": TEXT.format(km=length_m / 1000, points=full / 1000),
            "text_en": TEXT.format(km=length_m / 1000, points=full / 1000),
            "created_s": created_s,
            "day": int(created_s // 86_400),
        }


def write(path: Path, n: int) -> None:
    """The books of these lines, as `transitmap points export` writes them."""
    sums: dict[tuple[int, int, int], list[int]] = {}
    seal = [chain.GENESIS]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as books:
        put(books, layout.LEDGER, (layout.canonical(line) + "\n" for line in lines(n)))
        put(books, layout.SEALS, seals(n, seal, sums))
        table = lines(n)
        with books.open(layout.TABLE, "w", force_zip64=True) as file:
            file.write(layout.csv_text(layout.TABLE_COLUMNS, []).encode())
            while some := list(islice(table, layout.CHUNK)):
                file.write(layout.table_rows(some).encode())
        small = dict(others(sums))
        for name, text in small.items():
            books.writestr(name, text)
        told = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in small.items()}
        manifest = {"kind": layout.KIND, "format": layout.FORMAT, "lines": n, "head": seal[0], "sha256": told}
        books.writestr(layout.MANIFEST, layout.canonical(manifest))


def put(books: zipfile.ZipFile, name: str, texts: Iterator[str]) -> None:
    """A member of the zip, in pieces."""
    with books.open(name, "w", force_zip64=True) as file:
        while some := list(islice(texts, layout.CHUNK)):
            file.write("".join(some).encode())


def seals(n: int, seal: list[str], sums: dict[tuple[int, int, int], list[int]]) -> Iterator[str]:
    """Every seal; the fold is made on the way."""
    for line in lines(n):
        seal[0] = chain.seal(seal[0], line)
        for period in (0, monday(line["day"])):
            have = sums.setdefault((line["campaign_id"], period, line["user_id"]), [0, 0, 0])
            have[0] += line["millipoints"]
            have[1] += line["verified_millipoints"]
            have[2] += line["kind"] == "award"
        yield f"{seal[0]}\n"


def others(sums: dict[tuple[int, int, int], list[int]]) -> Iterator[tuple[str, str]]:
    """The small files, with a campaign without prizes and one with."""
    yield layout.SUMS, layout.csv_text(layout.SUM_COLUMNS, ((*where, *sums[where]) for where in sorted(sums)))
    yield layout.RIDERS, layout.csv_text(layout.RIDER_COLUMNS, ((who, "") for who in range(1, N_RIDERS + 1)))
    for number, slug in ((1, "own"), (2, "prizes")):
        verified = {
            who: one[1] for (campaign, period, who), one in sums.items() if (campaign, period) == (number, 0)
        }
        contest = Contest(
            campaign_id=number,
            slug=slug,
            **dict.fromkeys(("name_es", "name_en", "state", "currency", "rules_version", "rules_toml"), ""),
            **dict.fromkeys(("opens_s", "closes_s", "frozen_s", "closed_s"), None),
            budget_centavos=17_000_000 * (number - 1),
            prizes_toml=PRIZES,
            snapshot_sha256="",
            signature="",
            words="",
            entrants=tuple(Entrant(who, 0) for who in sorted(verified)),
        )
        told = {name: getattr(contest, name) for name in contest.__dataclass_fields__ if name != "entrants"}
        yield layout.of_campaign(slug, layout.CAMPAIGN), layout.canonical(told)
        yield layout.of_campaign(slug, layout.RULES), ""
        yield layout.of_campaign(slug, layout.PRIZE_RULES), contest.prizes_toml
        yield layout.of_campaign(slug, layout.ENTRANTS), entrants_csv(contest.entrants)
        if contest.has_prizes:
            found = award(contest, verified)
            yield layout.of_campaign(slug, layout.PRIZES), prizes_csv(found)
            yield layout.of_campaign(slug, layout.DRAW), draw_csv(found)


if __name__ == "__main__":
    main()
