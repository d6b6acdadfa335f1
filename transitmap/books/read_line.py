"""A line of the books -> what it says: nearly every one by one pattern, the others by a closer look."""

from __future__ import annotations

import json
import re
from types import NoneType
from typing import NamedTuple

from transitmap import chain
from transitmap.books import layout
from transitmap.cells import FORMULA_STARTS


class Told(NamedTuple):
    """What a line says: its number, the columns that are added up, and its row in the table for people.

    `added` are campaign, rider, day, millipoints, verified ones and short hashes of this process: of the ride
    it counts for (0 is none) and of the key.
    """

    sequence: int
    added: tuple[int, int, int, int, int, int, int]
    row: str


KEYS = frozenset(chain.SEALED)
NUMBERS = ("sequence", "campaign_id", "user_id", "day", "millipoints", "verified_millipoints")
TEXTS = ("key", "kind", "rule", "text_es", "text_en")
MAX_NUMBER, MAX_TIME_S = 1 << 53, 1e11
NUMBER = "(0|-?[1-9][0-9]{0,14})"
PLAIN = r'([^"\\\x00-\x1f]*)'
RUN = rf"(?![\s{re.escape(''.join(FORMULA_STARTS))}])"
"""Not before what a spreadsheet would run."""
TEXT, SHOWN, WORD = f'"{PLAIN}"', f'"{RUN}{PLAIN}"', rf'"{RUN}([^",\\\x00-\x1f]*)"'
"""Texts without escapes: any, and those that a table may hold as they are, in quotes or without them."""
LINE = re.compile(
    rf'\{{"campaign_id":{NUMBER},"created_s":([0-9]{{1,10}}\.[0-9]+),"day":{NUMBER},"evidence":(\{{.*?\}}),'
    rf'"key":{TEXT},"kind":{WORD},"millipoints":{NUMBER},"network_version":{TEXT},'
    rf'"ride_id":(?:{WORD}|null),"rule":{WORD},"rules_version":{TEXT},"sequence":{NUMBER},'
    rf'"text_en":{SHOWN},"text_es":{SHOWN},"user_id":{NUMBER},"verified_millipoints":{NUMBER}\}}'
)
"""The one way in which nearly every line is written, where its evidence and its moment are."""
decode = json.JSONDecoder().raw_decode


def read_line(text: str) -> Told:
    """What a line says.

    Raises:
        ValueError, TypeError, AttributeError, RecursionError: it is none, or not written as lines are.
    """
    return read_at_a_glance(text) or read_closely(text)


def read_at_a_glance(text: str) -> Told | None:
    """What a line says; None where only a closer look can tell whether it is one."""
    found = LINE.fullmatch(text)
    if found is None or not _is_canonical(found[4]) or repr(created_s := float(found[2])) != found[2]:
        return None
    parts = found.groups()
    campaign, _, day, _, key, kind, points, _, ride, rule, _, number, en, es, user, verified = parts
    added = int(campaign), int(user), int(day), int(points), int(verified), _ride(ride, kind), hash(key)
    told = f"{number},{layout.utc(created_s)},{campaign},{user},{kind},{rule},{ride or ''}"
    worth = f"{added[3] / 1000},{added[4] / 1000}"
    return Told(int(number), added, f"{told},{worth},{_cell(es)},{_cell(en)}\r\n")


def _is_canonical(text: str) -> bool:
    """Whether an object is written in the one way."""
    try:
        value, end = decode(text)
        return end == len(text) and layout.canonical(value) == text
    except (ValueError, RecursionError):
        return False


def _ride(ride_id: str | None, kind: str) -> int:
    """The mark of the ride that a line counts for; one of kind decision awards nothing."""
    return hash(ride_id) if ride_id and kind != "decision" else 0


def _cell(text: str) -> str:
    return f'"{text}"' if "," in text else text


def read_closely(text: str) -> Told:
    """What any line says, whatever is in it.

    Raises:
        ValueError, TypeError, AttributeError, RecursionError: it is none, or not written as lines are.
    """
    line = json.loads(text)
    if layout.canonical(line) != text or line.keys() != KEYS:
        raise ValueError("another way of writing")
    numbers = [line[name] for name in NUMBERS]
    if {*map(type, numbers)} != {int} or not -MAX_NUMBER < min(numbers) <= max(numbers) < MAX_NUMBER:
        raise ValueError("a number that is none")
    if {type(line[name]) for name in TEXTS} != {str} or type(line["ride_id"]) not in (str, NoneType):
        raise ValueError("a text that is none")
    if not 0 <= line["created_s"] < MAX_TIME_S:
        raise ValueError("a moment that is none")
    sequence, campaign, user, day, points, verified = numbers
    marks = _ride(line["ride_id"], line["kind"]), hash(line["key"])
    return Told(sequence, (campaign, user, day, points, verified, *marks), layout.table_rows([line]))
