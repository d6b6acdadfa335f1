"""JSON of strangers: what it says, or where it is wrong; a lack of memory is no fault of the text."""

import subprocess
import sys

import pytest

from tests.machine import needs_proc
from transitmap.collect.formats.json_text import read_json
from transitmap.errors import UploadRefused


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_it_says(codec: str) -> None:
    assert read_json('{"estación": [1, 2.5, null, "\\u0000"]}'.encode(codec)) == {
        "estación": [1, 2.5, None, "\0"]
    }


@pytest.mark.parametrize(
    ("body", "reason", "place"),
    [
        (b'{"a": 1', "json_cut", (1, 8)),
        (b'{"a":\n "b', "json_cut", (2, 4)),
        (b"  ", "json_cut", (1, 1)),
        (b'{"a": 1}}', "bad_json", (1, 9)),
        (b"{'a': 1}", "bad_json", (1, 2)),
        (b'{"a": "caf\xe9"}', "bad_encoding", None),
        (b"\xff", "bad_encoding", None),
        (b"\xff\xfe\x00", "bad_encoding", None),
    ],
)
def test_where_it_is_wrong(body: bytes, reason: str, place: tuple[int, int] | None) -> None:
    with pytest.raises(UploadRefused) as caught:
        read_json(body)
    assert caught.value.reason == reason
    if place:
        assert (caught.value.line, caught.value.column) == place


LITTLE_ROOM = """
import resource, sys
from transitmap.collect.formats.json_text import read_json
read_json(b"[1]")
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 80_000_000,) * 2)
try:
    read_json(b"[" + b"[1],[2]," * 4_000_000 + b"3]")
except MemoryError as error:
    print("no room")
"""


@needs_proc
def test_a_lack_of_memory_is_no_fault_of_the_text() -> None:
    done = subprocess.run([sys.executable, "-c", LITTLE_ROOM], capture_output=True, text=True, check=False)
    assert done.stdout == "no room\n", done.stderr
