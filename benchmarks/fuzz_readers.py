"""Coverage-guided bytes at every reader: `python -m benchmarks.fuzz_readers SECONDS [READER]`.

READER is `file` (whatever a file may be) or `live` (whatever a phone may say). Needs atheris. A reader may
refuse; anything else it raises, a crash, 10 s or 512 MB end the run with the input that did it.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["transitmap.collect", "fitdecode"]):
    from transitmap.collect import hear, intake, parse
    from transitmap.config import Config
    from transitmap.errors import UploadRefused
    from transitmap.model import Message, Refusal

LIMITS = replace(Config().collect, max_unpacked_bytes=4_000_000, max_fixes=20_000)


def read_file(data: bytes) -> None:
    """Whatever somebody uploads."""
    for item in intake.unpack("upload", data, LIMITS):
        if not isinstance(item, Refusal):
            try:
                parse.parse(*item, LIMITS)
            except UploadRefused:
                continue


def hear_message(data: bytes) -> None:
    """Whatever comes to the address of an app; the first byte says whose."""
    which, rest = (data[0] if data else 0), data[1:]
    dialect = hear.DIALECTS[which % len(hear.DIALECTS)]
    query = rest[:200].decode("latin-1") if which & 128 else ""
    message = Message(dialect, 1_795_000_000.0, "POST", "client/index.php", query, {}, rest)
    hear.answer(message, hear.hear(message))


def main() -> None:
    """Run until the time is over."""
    seconds, which = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "file"
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS):
            (Path(folder) / str(number)).write_bytes(seed)
        limits = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=20000", f"-max_total_time={seconds}"]
        atheris.Setup([sys.argv[0], folder, *limits], read_file if which == "file" else hear_message)
        atheris.Fuzz()


SEEDS = (
    b'<?xml version="1.0"?><gpx version="1.1"><trk><trkseg><trkpt lat="1" lon="2">'
    b"<time>2026-01-01T00:00:00Z</time></trkpt></trkseg></trk></gpx>",
    b'<kml xmlns:gx="g"><Placemark><gx:Track><when>2026-01-01T00:00:00Z</when><gx:coord>1 2 3</gx:coord>'
    b"</gx:Track></Placemark></kml>",
    b"<TrainingCenterDatabase><Activities><Activity><Lap><Track><Trackpoint><Time>2026-01-01T00:00:00Z</Time>"
    b"<Position><LatitudeDegrees>1</LatitudeDegrees><LongitudeDegrees>2</LongitudeDegrees></Position>"
    b"</Trackpoint></Track></Lap></Activity></Activities></TrainingCenterDatabase>",
    b'{"type":"Feature","geometry":{"type":"LineString","coordinates":[[1,2],[1,3]]},'
    b'"properties":{"coordTimes":["2026-01-01T00:00:00Z","2026-01-01T00:00:09Z"]}}',
    b'{"semanticSegments":[{"startTime":"2026-01-01T00:00:00Z","endTime":"2026-01-01T01:00:00Z",'
    b'"timelinePath":[{"point":"1.0\xc2\xb0, 2.0\xc2\xb0","time":"2026-01-01T00:00:00Z"}]}]}',
    b"time,lat,lon,elevation,accuracy\n2026-01-01T00:00:00Z,1,2,3,4\n",
    b'2026-01-01T00:00:00Z\t*                 \t{"_type":"location","lat":1,"lon":2,"tst":1790000000}\n',
    b"$GPRMC,181530,A,1925.98880,N,09907.99200,W,16.5,270.0,221126,,*09\n",
    b"\x0e\x10\xd9\x07\x00\x00\x00\x00.FIT\x00\x00",
    b'\x01{"_type":"location","lat":48.8,"lon":2.2,"tst":1790000000,"acc":5,"topic":"owntracks/a/b"}',
    b'\x00{"locations":[{"type":"Feature","geometry":{"type":"Point","coordinates":[-122,37]},'
    b'"properties":{"timestamp":"2026-01-01T00:00:00Z"}}]}',
    b"\x02id=1&lat=60&lon=30&timestamp=1377177267&speed=10",
)

if __name__ == "__main__":
    main()
