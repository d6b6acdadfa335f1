"""Files are told by content; what is no trace says what it seems to be."""

import pytest

from tests.collect.made_up import CONFIG, gpx
from transitmap.collect.parse import parse
from transitmap.errors import UploadRefused


@pytest.mark.parametrize("name", ["ride.gpx", "ride.txt", "", "ride.zip"])
def test_the_name_of_a_file_says_nothing(name: str) -> None:
    assert [ride.ride_id for ride in parse(name, gpx().encode(), CONFIG)] == [name]


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(UploadRefused) as caught:
        parse("ride.gpx", b"", CONFIG)
    assert caught.value.reason == "empty_file"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html><body>gpx</body></html>", "web page"),
        (b"<html><body><gpx></gpx></body></html>", "'html'"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"PK\x03\x04....", "zip"),
        (b"hello, this is my ride", "not a GPS trace"),
        (b"<kml xmlns='http://www.opengis.net/kml/2.2'/>", "not a GPS trace"),
        (b"{}", "not a GPS trace"),
        (bytes(1000), "not a GPS trace"),
    ],
)
def test_what_is_no_trace_says_what_it_is(body: bytes, words: str) -> None:
    with pytest.raises(UploadRefused) as caught:
        parse("ride.gpx", body, CONFIG)
    assert caught.value.reason == "not_a_trace"
    assert words in caught.value.detail
    assert "GPX" in caught.value.detail
