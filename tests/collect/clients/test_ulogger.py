"""uLogger, by its literal requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.collect.clients.messages import FORM, dropped, one, post, reply
from transitmap.collect.hear import answer, hear

POSITION = {
    "action": "addpos", "lat": "19.4326", "lon": "-99.1332", "time": "1795371330", "altitude": "2240.0",
    "speed": "8.5", "bearing": "270.0", "accuracy": "5.0", "provider": "gps", "trackid": "1",
}  # fmt: skip
BOUNDARY = "----xyz"
KIND = f"multipart/form-data; boundary={BOUNDARY}"


def form(**fields: str) -> str:
    return "&".join(f"{name}={value}" for name, value in fields.items())


def multipart(photo: bytes = b"\xff\xd8\r\n--\x00", **fields: str) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return b"".join([*parts, head.encode(), photo, f"\r\n--{BOUNDARY}--\r\n".encode()])


@pytest.mark.parametrize("said", ["action=auth&user=jane&pass=x", "action=addtrack&track=Ruta%2012"])
def test_signing_in_and_a_new_track_are_welcome_and_say_no_position(said: str) -> None:
    message = post("ulogger", said, FORM)
    assert dropped(message) == {}
    assert reply(message) == {"error": False, "trackid": 1}


def test_a_position_as_a_form_or_beside_a_photo() -> None:
    for message in (post("ulogger", form(**POSITION), FORM), post("ulogger", multipart(**POSITION), KIND)):
        assert one(message) == (1795371330, 19.4326, -99.1332, 5, 8.5)
        assert hear(message).taps.name == ()
        assert reply(message) == {"error": False, "trackid": 1}


def test_a_comment_is_a_tap() -> None:
    for message in (
        post("ulogger", form(**POSITION, comment="parada+Hidalgo", battery="87"), FORM),
        post("ulogger", multipart(**POSITION, comment="parada Hidalgo"), KIND),
    ):
        assert hear(message).taps.name == ("parada Hidalgo",)


def test_a_ping_has_no_body_and_gets_none() -> None:
    message = replace(post("ulogger", b""), method="HEAD")
    assert dropped(message) == {}
    assert (answer(message, hear(message)).status, answer(message, hear(message)).body) == (200, b"")


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"", FORM, "empty"),
        (b"", KIND, "empty"),
        (b"garbage", KIND, "bad_form"),
        (multipart(**POSITION), "multipart/form-data", "bad_form"),
        (multipart(**dict.fromkeys(map(str, range(300)), "x")), KIND, "bad_form"),
        (b"action=addpos", FORM, "no_position"),
        (multipart(action="addpos"), KIND, "no_position"),
    ],
)
def test_what_says_nothing_does_not_come_back(body: bytes, kind: str, reason: str) -> None:
    message = post("ulogger", body, kind)
    assert dropped(message) == {reason: 1}
    assert reply(message) == {"error": False, "trackid": 1}


def test_a_cut_form_says_what_came_whole() -> None:
    whole = multipart(**POSITION)
    assert one(post("ulogger", whole[:-40], KIND))[:3] == (1795371330, 19.4326, -99.1332)
