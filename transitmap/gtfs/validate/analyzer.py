"""A feed's zip or folder -> the grave notices of gtfs-analyzer, another set of rules, where installed."""

from __future__ import annotations

import datetime
import importlib.util
import io
import zipfile
from pathlib import Path
from typing import Any

from transitmap.errors import FeedInvalid
from transitmap.model import Notice

GRAVE = ("CRITICAL", "HIGH")
MISTAKEN = ("STM_014",)
"""Speeds along a shape, measured from the nearest point of the shape to the next stop's, whatever
shape_dist_traveled says: where a line comes back along its own street that is the wrong place (65 km/h become
195). Our `fast_hop` measures the same, and asks for less."""


def analyzer(path: Path, today: datetime.date) -> list[Notice]:
    """What gtfs-analyzer 0.16 calls critical or high but for MISTAKEN, each an error; none where it is not
    installed.

    Its own verdict is not asked for: it calls a feed with decreasing times publishable. What it calls medium
    or less is taste (a missing stop_code) or of no consequence. 0.1 s for 10,000 stop times.

    Raises:
        FeedInvalid: it cannot read the feed; holds its reason.
    """
    if not is_installed():
        return []
    import gtfs_analyzer

    try:
        report = gtfs_analyzer.validate_gtfs(_zip_bytes(path), today=today.isoformat())
    except gtfs_analyzer.ValidationError as error:
        raise FeedInvalid([Notice("gtfs_analyzer", "error", path.name, 0, str(error))]) from error
    grave = (one for one in report["notices"] if one["severity"] in GRAVE)
    return [_notice(one) for one in grave if one["rule_id"] not in MISTAKEN]


def is_installed() -> bool:
    """Whether the extra `analyzer` is there."""
    return importlib.util.find_spec("gtfs_analyzer") is not None


def _zip_bytes(path: Path) -> bytes:
    """A zip as it is, a folder's tables as one."""
    if path.is_file():
        return path.read_bytes()
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for table in sorted(path.glob("*.txt")):
            archive.write(table, table.name)
    return body.getvalue()


def _notice(found: dict[str, Any]) -> Notice:
    message = f"{found['title']}: {found['message']} {found['remediation']}"
    return Notice(found["rule_id"], "error", found["file"] or "", found["line"] or 0, message)
