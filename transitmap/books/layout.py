"""What is in the books and how a line of the ledger stands there, once for programs and once for people."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from transitmap.cells import plain_cell

KIND, FORMAT = "transitmap books", 1
MANIFEST, README, SCRIPT = "manifest.json", "README.txt", "check.py"
LEDGER, SEALS, TABLE, SUMS, RIDERS = "ledger.jsonl", "seals.txt", "ledger.csv", "sums.csv", "riders.csv"
CAMPAIGN, RULES, PRIZE_RULES = "campaign.json", "rules.toml", "prizes.toml"
ENTRANTS, PRIZES, DRAW = "entrants.csv", "prizes.csv", "draw.csv"
SUM_COLUMNS = ("campaign", "period", "rider", "millipoints", "verified_millipoints", "rides")
RIDER_COLUMNS = ("rider", "name")
TABLE_COLUMNS = (
    "line",
    "utc",
    "campaign",
    "rider",
    "kind",
    "rule",
    "ride",
    "points",
    "verified",
    "text_es",
    "text_en",
)
CHUNK = 2_000


def of_campaign(slug: str, name: str) -> str:
    """Where a file of a campaign stands."""
    return f"campaigns/{slug}/{name}"


def canonical(value: Any) -> str:
    """One way to write a thing as JSON, that of `transitmap.chain`."""
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def table_rows(lines: Iterable[Mapping[str, Any]]) -> str:
    """Lines of the ledger for a spreadsheet, which runs none of them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(_row(line) for line in lines)
    return text.getvalue()


def _row(line: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        line["sequence"],
        utc(line["created_s"]),
        line["campaign_id"],
        line["user_id"],
        plain_cell(line["kind"]),
        plain_cell(line["rule"]),
        plain_cell(line["ride_id"] or ""),
        line["millipoints"] / 1000,
        line["verified_millipoints"] / 1000,
        plain_cell(line["text_es"]),
        plain_cell(line["text_en"]),
    )


def utc(time_s: float) -> str:
    """A moment to the second."""
    day, second = divmod(int(time_s), 86_400)
    return f"{_date(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


@lru_cache(maxsize=1_000)
def _date(day: int) -> str:
    """A day since 1970-01-01; lines of one day stand together."""
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A small table."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(header)
    table.writerows(rows)
    return text.getvalue()


def riders_csv(names: Mapping[int, str]) -> str:
    """Numbers and pseudonyms."""
    return csv_text(RIDER_COLUMNS, sorted(names.items()))
