from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.campaigns.test_settings import FILE
from transitmap import store
from transitmap.cli import main


@pytest.fixture
def run(sqlite_template: Path, tmp_path: Path):
    (tmp_path / "db").write_bytes(sqlite_template.read_bytes())
    places = {"TRANSITMAP_DATABASE_URL": f"sqlite:///{tmp_path / 'db'}"}
    places["TRANSITMAP_ARCHIVE_URL"] = str(tmp_path / "archive")
    (tmp_path / "campaign.toml").write_text(FILE.replace("2027-02-14", "2028-01-20"), encoding="utf-8")

    def call(*words: object, expected: int = 0):
        done = CliRunner().invoke(main, [str(word) for word in words], env=places)
        assert done.exit_code == expected, done.output
        return done.output

    return call


def test_a_life_at_the_command_line(run, tmp_path: Path):
    with store.session(store.open_engine(f"sqlite:///{tmp_path / 'db'}")) as session:
        store.add_user(session, "Organiza", "hash", 0.0, role="organiser")
        store.add_user(session, "Ana", "hash", 0.0)
    assert run("campaigns", "new", tmp_path / "campaign.toml").startswith("draft 2: rutas-2027, rules 2")
    assert "taken" in run("campaigns", "new", tmp_path / "campaign.toml", expected=2)
    assert "not an organiser" in run("campaigns", "open", "rutas-2027", "--by", "Ana", "--yes", expected=2)
    assert "not_frozen" in run("campaigns", "close", "rutas-2027", "--by", "Organiza", "--yes", expected=2)
    assert "no campaign" in run("campaigns", "open", "nowhere", "--by", "Organiza", "--yes", expected=2)
    assert "for good" not in run("campaigns", "open", "nowhere", "--by", "Organiza", expected=2)
    assert "Aborted" in run("campaigns", "open", "rutas-2027", "--by", "Organiza", expected=1)
    for step, state in (("open", "open"), ("freeze", "frozen"), ("close", "closed")):
        told = run("campaigns", step, "rutas-2027", "--by", "Organiza", "--yes")
        assert told.startswith(f"rutas-2027 is {state}")
    own, mine = json.loads(run("campaigns", "list", "--json"))
    assert (own["id"], mine["state"], mine["budget_centavos"]) == (1, "closed", 17_000_050)
    assert "170,000.50 MXN" in run("campaigns", "list")
    snapshot, key = tmp_path / "end.jsonl", tmp_path / "key.pem"
    run("campaigns", "snapshot", "rutas-2027", "--out", snapshot, "--key", key)
    assert "rutas-2027, 0 riders, signed and unchanged" in run("campaigns", "verify", snapshot, "--key", key)
    assert mine["snapshot_sha256"] in run("campaigns", "list", "--json")
    snapshot.write_bytes(snapshot.read_bytes().replace(b"17000050", b"17000051"))
    assert "not to be believed: signature" in run("campaigns", "verify", snapshot, "--key", key, expected=1)


@pytest.mark.parametrize(
    ("lang", "told"), [((), "Informe provisional"), (("--lang", "en"), "Interim report")]
)
def test_a_report_is_written_in_the_campaigns_language_or_another(run, tmp_path: Path, lang, told):
    run("campaigns", "new", tmp_path / "campaign.toml")
    run("campaigns", "report", "rutas-2027", "--out", tmp_path / "r.html", *lang)
    assert told in (tmp_path / "r.html").read_text(encoding="utf-8")
    run("campaigns", "report", "rutas-2027", "--out", tmp_path / "r.pdf", *lang)
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    assert ".html or .pdf" in run(
        "campaigns", "report", "rutas-2027", "--out", tmp_path / "r.doc", expected=2
    )
    run("campaigns", "snapshot", "rutas-2027", "--out", tmp_path / "s", "--key", tmp_path / "k", expected=2)
    assert not (tmp_path / "s").exists()
