"""What reads nobody's friend: readers that crash, spin, eat memory or sleep cost nobody but themselves."""

from __future__ import annotations

import ctypes
import os
import signal
import time

import pytest

from transitmap.errors import ReaderBusy, ReaderDied, UploadRefused
from transitmap.sandbox import GROWN_BYTES, Sandbox

SECRET = "19.4326,-99.1332"


def pid():
    yield {"pid": os.getpid()}, b""


def echo(body: bytes, times: int = 1):
    for number in range(times):
        yield {"number": number}, body


def segfault():
    yield {"before": 1}, b""
    ctypes.string_at(0)


def spin():
    while True:
        pass
    yield {}, b""


def eat(n_bytes: int):
    eaten = [bytearray(1_000_000) for _ in range(n_bytes // 1_000_000)]
    yield {"eaten": len(eaten)}, b""


def sleep(seconds: float):
    time.sleep(seconds)
    yield {"awake": 1}, b""


def linger():
    yield {"pid": os.getpid()}, bytes(1 << 20)  # more than waits in the pipe
    time.sleep(0.3)
    yield {"done": 1}, b""


def refuse():
    yield {"before": 1}, b""
    raise UploadRefused("xml_syntax", "a tag is not closed", 3, 7)


def fail():
    os.write(1, SECRET.encode())
    raise ValueError(SECRET)
    yield {}, b""


@pytest.fixture(scope="module")
def child():
    made = Sandbox(200_000_000, 1.0)
    yield made
    del made


def run(child: Sandbox, read, *told, within_s: float = 60.0):
    return list(child.run(read, *told, within_s=within_s))


def test_one_child_answers_many(child: Sandbox) -> None:
    first = run(child, pid)
    body = os.urandom(3_000_000)
    assert run(child, echo, body, 2) == [({"number": 0}, body), ({"number": 1}, body)]
    assert run(child, pid) == first
    assert first[0][0]["pid"] != os.getpid()


def test_a_refusal_comes_through_and_the_child_goes_on(child: Sandbox) -> None:
    before = run(child, pid)
    with pytest.raises(UploadRefused) as refused:
        run(child, refuse)
    told = refused.value
    assert (told.reason, told.detail, told.line, told.column) == ("xml_syntax", "a tag is not closed", 3, 7)
    assert run(child, pid) == before


@pytest.mark.parametrize(
    ("read", "told", "reason"),
    [
        (segfault, (), "parser_crash"),
        (fail, (), "parser_crash"),
        (spin, (), "too_complex"),
        (eat, (400_000_000,), "too_complex"),
        (eat, (10**12,), "too_complex"),
    ],
    ids=["a segmentation fault", "a fault", "a loop", "memory", "more memory"],
)
def test_what_ends_a_reader_ends_no_other(child: Sandbox, read, told, reason: str, capfd) -> None:
    with pytest.raises(ReaderDied) as died:
        run(child, read, *told)
    assert died.value.reason == reason
    assert SECRET not in str(died.value)
    assert run(child, echo, b"next") == [({"number": 0}, b"next")]
    assert SECRET not in "".join(capfd.readouterr())


def test_an_honest_reader_has_its_memory_and_gives_it_back(child: Sandbox) -> None:
    before = run(child, pid)
    assert run(child, eat, 150_000_000) == [({"eaten": 150}, b"")]
    run(child, echo, b"x" * (GROWN_BYTES // 4))
    assert run(child, echo, b"small") == [({"number": 0}, b"small")]
    for _ in range(3):  # each body has its own second
        spin_for = run(child, sleep, 0.01)
        assert spin_for == [({"awake": 1}, b"")]
    assert before


def test_who_waits_is_told_in_time(child: Sandbox) -> None:
    run(child, pid)
    began_s = time.monotonic()
    with pytest.raises(ReaderBusy):
        run(child, sleep, 3600.0, within_s=0.3)
    assert time.monotonic() - began_s < 600
    assert run(child, echo, b"next") == [({"number": 0}, b"next")]


def test_who_waits_behind_another_is_told_in_time(child: Sandbox) -> None:
    parts = child.run(linger, within_s=60.0)
    next(parts)
    with pytest.raises(ReaderBusy):
        run(child, echo, b"x", within_s=0.1)
    parts.close()
    assert run(child, echo, b"x") == [({"number": 0}, b"x")]


def test_what_is_not_wanted_any_more_is_in_nobodys_way(child: Sandbox) -> None:
    parts = child.run(echo, b"x" * 1_000_000, 50, within_s=60.0)
    assert next(parts)[0] == {"number": 0}
    parts.close()
    assert run(child, echo, b"next") == [({"number": 0}, b"next")]


def test_a_child_killed_while_idle_is_followed_by_another(child: Sandbox) -> None:
    number = run(child, pid)[0][0]["pid"]
    os.kill(number, signal.SIGKILL)
    os.waitid(os.P_PID, number, os.WEXITED | os.WNOWAIT)  # seen to be dead, and left to whoever buries it
    assert run(child, pid)[0][0]["pid"] != number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_child_that_is_told_to_end_with_the_service_ends_its_answer_first(
    child: Sandbox, number: int
) -> None:
    parts = child.run(linger, within_s=60.0)
    part, _ = next(parts)
    os.kill(part["pid"], number)
    assert [told for told, _ in parts] == [{"done": 1}]


def test_it_writes_into_no_log_what_it_read(child: Sandbox, caplog) -> None:
    with pytest.raises(ReaderDied, match=r"ValueError at test_sandbox\.py:\d+"):
        run(child, fail)
    assert SECRET not in caplog.text
