"""The audit of what we stand on (S19): red at a known fault, loud where nobody could be asked."""

from __future__ import annotations

from tests.audit import judge

SOUND = {"name": "flask", "version": "3.1.3", "vulns": []}
FAULTY = {
    "name": "jinja2",
    "version": "2.4.1",
    "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": ["CVE-2019-10906"]}],
}
UNKNOWN = {"name": "gdal", "skip_reason": "not found on the index"}
OURS = {"name": "transitmap", "skip_reason": "editable"}


def test_a_known_fault_is_red_and_told(capsys):
    assert judge([SOUND, FAULTY, OURS]) == 1
    told = capsys.readouterr().err
    assert "jinja2 2.4.1: PYSEC-2019-217, mended in 2.10.1" in told
    assert "2 packages audited, 1 known faults" in told


def test_no_fault_is_green_and_what_was_not_asked_is_told(capsys):
    assert judge([SOUND, UNKNOWN, OURS]) == 0
    assert "NOT AUDITED, unknown to the service: gdal" in capsys.readouterr().err


def test_a_service_that_knows_nothing_is_told_loudly_and_fails_nobody(capsys):
    assert judge([UNKNOWN, {**UNKNOWN, "name": "flask"}, OURS]) == 0
    assert "NOT AUDITED: the advisory service tells nothing here" in capsys.readouterr().err
