"""The small city's feed as it must be, byte by byte: `python -m tests.gtfs.regenerate` writes it anew."""

import io
import zipfile
from pathlib import Path

from tests.gtfs.small_city import small_city, small_feed
from transitmap.gtfs.carry_ids import carry_ids
from transitmap.gtfs.evidence import evidence_table
from transitmap.gtfs.pack import pack

GOLDEN = Path(__file__).parent / "golden"


def golden_files():
    """Name -> bytes of every member of the feed, the evidence beside it and the ids.

    The members and not the zip: how deflate packs them differs from one build of zlib to another.
    """
    with zipfile.ZipFile(io.BytesIO(pack(small_feed()))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    ids = carry_ids(small_city(), None)
    files["evidence.csv"] = evidence_table(small_city(), ids).encode()
    files["ids.json"] = ids.to_json().encode()
    return files


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, body in golden_files().items():
        (GOLDEN / name).write_bytes(body)
