"""Each line of the ledger seals all before it: a SHA-256 over the seal before and the line as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

GENESIS = "0" * 64
"""The seal before the first line."""
SEALED = (
    "sequence",
    "key",
    "campaign_id",
    "kind",
    "ride_id",
    "user_id",
    "rule",
    "millipoints",
    "verified_millipoints",
    "rules_version",
    "network_version",
    "evidence",
    "text_es",
    "text_en",
    "created_s",
    "day",
)
"""What of a line is sealed: all of it but the seal."""


def seal(before: str, line: Mapping[str, Any]) -> str:
    """The seal of a line behind the seal `before`, 64 hexadecimal digits.

    An auditor needs no more than a standard library: keys sorted, no spaces, UTF-8, numbers as Python and
    JavaScript write them shortest.

    Raises:
        ValueError: a number in the line is not finite.
    """
    told = {name: line[name] for name in SEALED}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()
