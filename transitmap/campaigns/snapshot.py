"""The end of a campaign, written down and signed: anybody can check it with the file and the public key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from transitmap.campaigns.signing import is_signed
from transitmap.errors import SnapshotRefused

KIND, FORMAT = "transitmap campaign snapshot", 1
COLUMNS = ("rank", "rider", "millipoints", "verified_millipoints", "n_rides")
"""What a row of the board says, in this order. Riders are numbers: names change, hide and are erased."""
TABLES = ("campaign", "rules", "prizes", "feed", "ledger", "waiting")
"""What else it holds, all of it needed to compute the board and the prizes again."""
Sum = tuple[int, int, int, int]
"""Rider, millipoints, verified millipoints, rides."""


def make_snapshot(told: Mapping[str, Mapping[str, Any]], sums: Sequence[Sum]) -> bytes:
    """The end of a campaign in canonical JSON: what is `told` of it by TABLES, and its final board.

    Keys are sorted, numbers whole (moments are whole seconds), one line of UTF-8 without spaces: the same end
    gives the same bytes. Everybody with a line in the ledger has a row, also who opted out of boards.
    """
    rows = [list(row) for row in board_of(sums)]
    board = {"columns": list(COLUMNS), "rows": rows}
    table = {"kind": KIND, "format": FORMAT, "board": board, **{name: told[name] for name in TABLES}}
    return json.dumps(_whole(table), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def board_of(sums: Sequence[Sum]) -> list[tuple[int, int, int, int, int]]:
    """Ranks before the sums, most points first: equal points share a rank, the next is skipped (1, 2, 2, 4).

    Among equals the lower number stands first, which decides nothing.
    """
    ordered = sorted(sums, key=lambda row: (-row[1], row[0]))
    first: dict[int, int] = {}
    for position, row in enumerate(ordered, 1):
        first.setdefault(row[1], position)
    return [(first[row[1]], *row) for row in ordered]


def _whole(value: Any) -> Any:
    """The same with whole seconds in the place of moments: JSON has one way to write a whole number."""
    if isinstance(value, Mapping):
        return {str(key): _whole(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) else value


def write_file(body: bytes, signature: str) -> bytes:
    """What is handed out: the snapshot in the first line, its signature in the second."""
    second = json.dumps({"ed25519": signature}, separators=(",", ":"))
    return body + b"\n" + second.encode() + b"\n"


def verify_file(file: bytes, public_pem: bytes) -> dict[str, Any]:
    """The snapshot in a file, once its signature is right and its board follows from its own points.

    Raises:
        SnapshotRefused: `format`, it is no such file; `signature`, not these bytes were signed, or not with
            the other half of this key; `board`, its ranks do not follow from its points; `key`, no
            public key.
    """
    body, table, signature = _parts(file)
    if not is_signed(body, signature, public_pem):
        raise SnapshotRefused("signature", f"{len(body)} bytes were not signed with this key")
    rows = [tuple(row) for row in table["board"]["rows"]]
    if rows != board_of([row[1:] for row in rows]):
        raise SnapshotRefused("board", f"the ranks of {len(rows)} riders do not follow from their points")
    return table


def _parts(file: bytes) -> tuple[bytes, dict[str, Any], bytes]:
    """The first line, what it says, and the signature in the second."""
    try:
        body, second = file.removesuffix(b"\n").split(b"\n")
        table, signature = json.loads(body), bytes.fromhex(json.loads(second)["ed25519"])
        is_one = (table["kind"], table["format"]) == (KIND, FORMAT)
        is_whole = table["board"]["columns"] == list(COLUMNS) and set(TABLES) <= set(table)
        are_rows = all([type(one) for one in row] == [int] * len(COLUMNS) for row in table["board"]["rows"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SnapshotRefused("format", f"{len(file)} bytes that are no signed snapshot") from error
    if not (is_one and is_whole and are_rows):
        raise SnapshotRefused("format", f"not a {KIND} of format {FORMAT}")
    return body, table, signature
