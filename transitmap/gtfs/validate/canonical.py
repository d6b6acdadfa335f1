"""A feed's zip -> the notices of the canonical GTFS rules (gtfs-validator, in a process of its own)."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from transitmap.errors import ConfigError, FeedInvalid, TransitmapError
from transitmap.model import JsonObject, Notice


def canonical(
    zip_path: Path, today: datetime.date, country: str = "", timeout_s: float = 600.0
) -> list[Notice]:
    """What gtfs-validator 0.1.2 finds, errors first; at most 1,000 notices of each code.

    `today` is the day it takes for the present, `country` (ISO 3166, may be empty) decides how phone numbers
    look. About 0.5 s for a small feed, 15 s for 6 MB of text, 200 s for 48 MB.

    Raises:
        ConfigError: the country is no code of two capitals.
        FeedInvalid: the validator itself broke, so its silence means nothing; holds its system errors.
        TransitmapError: it gave no report, or none within `timeout_s`.
    """
    if not re.fullmatch("([A-Z]{2})?", country):
        raise ConfigError("country", country, "must be empty or two capitals (ISO 3166)")
    with tempfile.TemporaryDirectory(prefix="transitmap-validate-") as folder:
        _run(zip_path, today, country, timeout_s, folder)
        report = _load(Path(folder) / "report.json")
        broken = _notices(_load(Path(folder) / "system_errors.json"))
    if broken:
        raise FeedInvalid(broken)
    return _notices(report)


def _run(zip_path: Path, today: datetime.date, country: str, timeout_s: float, folder: str) -> None:
    """One run that leaves its reports in `folder`; the exit status tells nothing the reports do not.

    No shell reads the command, and no word of it that comes from outside can pass for an option: the path is
    absolute, the rest are a date and a country of two capitals, which `canonical` has checked.
    """
    command = [sys.executable, "-m", "gtfs_validator.cli", "-i", str(zip_path.resolve()), "-o", folder]
    command += ["-d", today.isoformat(), *(["-c", country] if country else [])]
    try:
        subprocess.run(command, timeout=timeout_s, check=False, capture_output=True)  # noqa: S603 - see above
    except subprocess.TimeoutExpired as error:
        raise TransitmapError(f"gtfs-validator gave no answer within {timeout_s:g} s") from error


def _load(path: Path) -> JsonObject:
    if not path.is_file():
        raise TransitmapError(f"gtfs-validator wrote no {path.name}")
    report: JsonObject = json.loads(path.read_text(encoding="utf-8"))
    return report


def _notices(report: JsonObject) -> list[Notice]:
    """A notice a sample, the worst first."""
    worst = {"ERROR": 0, "WARNING": 1, "INFO": 2}
    groups = sorted(report["notices"], key=lambda group: (worst[group["severity"]], group["code"]))
    return [
        _notice(group["code"], group["severity"].lower(), sample)
        for group in groups
        for sample in group["sampleNotices"] or [{}]
    ]


def _notice(code: str, severity: str, sample: JsonObject) -> Notice:
    said = {key: str(value) for key, value in sample.items() if key not in ("filename", "csvRowNumber")}
    return Notice(
        rule=code,
        severity=severity,
        file=str(sample.get("filename", "")),
        row=int(sample.get("csvRowNumber", 0)),
        message=", ".join(f"{key} {value}" for key, value in said.items()),
        values=tuple(said.values()),
    )
