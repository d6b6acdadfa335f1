from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine import needs_program
from transitmap import store
from transitmap.archive import Archive
from transitmap.campaigns.signing import SIGNING_KEY, public_pem, sign, signing_key
from transitmap.campaigns.snapshot import TABLES, make_snapshot, verify_file, write_file
from transitmap.errors import SnapshotRefused

KEY, OTHER = b"k" * 32, b"o" * 32
TOLD = {name: {} for name in TABLES} | {
    "campaign": {"slug": "rutas-2027", "name_es": "Año", "closed_s": 9.75}
}
SUMS = [(7, 500, 100, 2), (3, 900, 900, 4), (5, 500, 500, 1), (9, 0, 0, 1)]


def signed(body: bytes, key: bytes = KEY) -> bytes:
    return write_file(body, sign(body, key))


def refused(file: bytes, pem: bytes | None = None) -> str:
    with pytest.raises(SnapshotRefused) as told:
        verify_file(file, pem or public_pem(KEY))
    return told.value.reason


def test_a_snapshot_says_the_board_and_verifies_with_nothing_but_file_and_key():
    found = verify_file(signed(make_snapshot(TOLD, SUMS)), public_pem(KEY))
    assert found["board"]["rows"] == [
        [1, 3, 900, 900, 4], [2, 5, 500, 500, 1], [2, 7, 500, 100, 2], [4, 9, 0, 0, 1],
    ]  # fmt: skip
    assert found["campaign"] == {"slug": "rutas-2027", "name_es": "Año", "closed_s": 9}


def test_the_same_end_gives_the_same_bytes_in_whatever_order_it_was_told():
    told = dict(reversed(TOLD.items()))
    assert make_snapshot(TOLD, SUMS) == make_snapshot(told, SUMS[::-1])
    assert b"\n" not in make_snapshot(TOLD, SUMS)
    assert "Año".encode() in make_snapshot(TOLD, SUMS)


@given(st.data())
def test_no_changed_byte_verifies(data: st.DataObject):
    file = signed(make_snapshot(TOLD, SUMS))
    at = data.draw(st.integers(0, len(file) - 2))
    changed = bytearray(file)
    changed[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != file[at]))
    is_in_signature = at > file.index(b"\n")
    if not is_in_signature or bytes(changed).lower() != file.lower():  # in capitals it is the same number
        assert refused(bytes(changed)) in ("format", "signature")


def test_another_key_opens_nothing():
    file = signed(make_snapshot(TOLD, SUMS))
    assert refused(file, public_pem(OTHER)) == "signature"
    assert refused(file, b"no key") == "key"
    assert refused(file, RSA) == "key"


def test_ranks_that_do_not_follow_from_points_are_refused_even_signed():
    table = json.loads(make_snapshot(TOLD, SUMS))
    table["board"]["rows"][1][0] = 1
    assert refused(signed(json.dumps(table).encode())) == "board"
    table["board"]["rows"] = [[1, 3, True, 0, 0]]
    assert refused(signed(json.dumps(table).encode())) == "format"


@pytest.mark.parametrize(
    "file", [b"", b"{}\n{}\n", b"[]\n[]", b"[" * 9_999, b"\xff\n\xff\n", b'{"kind":1}\n{"ed25519":"zz"}']
)
def test_what_is_no_snapshot_is_refused(file: bytes):
    assert refused(file) == "format"


def test_an_empty_campaign_has_an_end_too():
    assert verify_file(signed(make_snapshot(TOLD, [])), public_pem(KEY))["board"]["rows"] == []


@needs_program("openssl")
def test_openssl_says_the_same_without_a_line_of_ours(tmp_path):
    body, signature = signed(make_snapshot(TOLD, SUMS)).splitlines()
    (tmp_path / "body").write_bytes(body)
    (tmp_path / "signature").write_bytes(bytes.fromhex(json.loads(signature)["ed25519"]))
    (tmp_path / "key.pem").write_bytes(public_pem(KEY))
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem"]
    words += ["-rawin", "-in", "body", "-sigfile", "signature"]
    assert subprocess.run(words, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "body").write_bytes(body.replace(b"900", b"901"))
    assert subprocess.run(words, cwd=tmp_path, capture_output=True).returncode != 0


def test_the_key_is_made_once_and_is_in_no_row(session, tmp_path):
    archive = Archive(tmp_path / "archive")
    key = signing_key(session, archive)
    assert len(key) == 32 and signing_key(session, archive) == key
    assert key.hex() not in (store.fact(session, SIGNING_KEY) or "")
    assert b"PRIVATE" not in public_pem(key)


RSA = b"""-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf
9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==
-----END PUBLIC KEY-----
"""
