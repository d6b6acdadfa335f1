"""A line is read at a glance where it is plain, and never otherwise than a closer look reads it."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from transitmap.books import layout
from transitmap.books.read_line import read_at_a_glance, read_closely

PLAIN = {
    "sequence": 7, "key": "new_metres:r1", "campaign_id": 1, "kind": "award", "ride_id": "r1", "user_id": 3,
    "rule": "new_metres", "millipoints": 21_850, "verified_millipoints": 0, "rules_version": "2026.2",
    "network_version": "", "evidence": {"full_millipoints": 87_400, "quality": 0.93, "parts": [{"a": None}]},
    "text_es": "8.7 km nuevos, que nadie había registrado.", "text_en": "8.7 km that nobody had recorded.",
    "created_s": 1_750_000_000.25, "day": 20_254,
}  # fmt: skip
TEXTS = st.text(st.sampled_from('ab,"\\\n\r\t\x00\x1f\x7f\x85\xa0 =+-@＝ñ{}:\ud800'), max_size=6) | st.text(
    max_size=4
)
NUMBERS = (
    st.integers(-(10**16), 10**16) | st.booleans() | st.floats() | st.sampled_from([-1, 0, 1, "0", None])
)
EVIDENCE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
OF_A_NAME = {
    name: EVIDENCE if name == "evidence" else TEXTS | st.none() if isinstance(value, str) else NUMBERS
    for name, value in PLAIN.items()
}
CHANGES = st.sampled_from(sorted(PLAIN)).flatmap(lambda name: st.tuples(st.just(name), OF_A_NAME[name]))


def closely(text: str):
    """What a closer look says; None where that refuses the line."""
    try:
        return read_closely(text)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def test_a_plain_line_is_read_at_a_glance():
    for change in (
        {},
        {"ride_id": None},
        {"millipoints": -5, "verified_millipoints": -5},
        {"kind": "decision"},
    ):
        text = layout.canonical(PLAIN | change)
        assert read_at_a_glance(text) == read_closely(text)
        assert read_closely(text).row == layout.table_rows([PLAIN | change])


@given(st.lists(CHANGES, max_size=3))
def test_whatever_is_in_a_line_both_read_the_same(changes):
    text = json.dumps(PLAIN | dict(changes), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    found = read_at_a_glance(text)
    assert found is None or found == closely(text)


@given(st.data())
def test_no_other_way_of_writing_is_read_at_a_glance(data):
    """Other characters in a good line: both say the same of it, or the glance nothing."""
    text = layout.canonical(PLAIN)
    start, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 9))
    more = data.draw(
        st.sampled_from(['"', ",", "-", "0", ".0", "1e3", " ", '"day":1,', '{"a":1}', "}", "\\n", "é"])
    )
    changed = text[:start] + more + text[start + length :]
    assume(changed != text)
    found = read_at_a_glance(changed)
    assert found is None or found == closely(changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"day":20254', '"day":-0'),
        ('"day":20254', '"day":020254'),
        ("1750000000.25", "1750000000.250"),
        ("1750000000.25", "1e9"),
        ('"quality":0.93', '"quality":0.930'),
        ('"quality":0.93', '"quality":NaN'),
        ('"full_millipoints":87400', '"quality":1,"full_millipoints":87400'),
        ('{"full_millipoints"', '{"a":{},"key":"x","full_millipoints"'),
        ("8.7 km that", "8.7\\u0020km that"),
        ('"sequence":7', '"sequence":7,"sequence":7'),
    ],
)
def test_ways_of_writing_that_both_refuse(old, new):
    text = layout.canonical(PLAIN)
    assert old in text
    changed = text.replace(old, new, 1)
    assert read_at_a_glance(changed) is None
    assert closely(changed) is None


@pytest.mark.parametrize("time_s", [0, 0.5, 86_399.999, 951_782_400, 1_750_000_000.25, 4_102_444_800])
def test_a_moment_is_told_to_the_second(time_s):
    import datetime

    told = datetime.datetime.fromtimestamp(int(time_s), datetime.UTC)
    assert layout.utc(time_s) == told.strftime("%Y-%m-%dT%H:%M:%SZ")
