"""What people correct after a campaign's signed end: in lines of their own, which its verification names."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.books.played import DAY_S, NOW_S, SLUG, line, play
from tests.test_store import add_ride
from transitmap import review, store
from transitmap.archive import Archive
from transitmap.books.ending import corrections_since
from transitmap.books.export import write_books
from transitmap.campaigns import steps
from transitmap.campaigns.snapshot import verify_file
from transitmap.cli import main
from transitmap.errors import SnapshotRefused
from transitmap.points.review import Looks
from transitmap.points.rules import load_rules, published_text

END_S = NOW_S + 19 * DAY_S


@pytest.fixture
def ended(engine: sa.Engine, tmp_path: Path):
    """The snapshot of a closed campaign, its key, and the session; Rita reviews, Ana has a ride in it."""
    archive = Archive(tmp_path / "archive")
    with store.session(engine) as session:
        people = play(session, state="frozen", rules_toml=published_text(), snapshot_sha256="")
        people["Rita"] = store.add_user(session, "Rita", "", NOW_S, role="reviewer")
        ride = add_ride(session, people["Ana"], "8" * 64)
        held = {"ride_id": ride.id, "user_id": people["Ana"].id, "campaign_id": 2, "millipoints": 0}
        evidence = {"full_millipoints": 0, "withheld_millipoints": 100_000}
        award = {"kind": "award", "verified_millipoints": 0, "evidence": evidence}
        store.add_lines(session, [line(90, people) | held | award])
        finding = {"ride_id": ride.id, "code": "too_smooth", "tier": "hard", "score": 1.0, "evidence": {}}
        session.add(store.FindingRow(**finding, made_s=NOW_S))
        session.add(
            store.Settlement(
                number=1, network_version="", through_sequence=99, through_decision=0, made_s=NOW_S,
                n_lines=0, inputs={},
            )
        )  # fmt: skip
        session.flush()
        campaign = store.campaign_by_slug(session, SLUG)
        told = session, archive, campaign, "close", people["Fer"], END_S, "UTC", published_text()
        campaign = steps.take_step(*told)
        snapshot, key = tmp_path / "end.jsonl", tmp_path / "key.pem"
        snapshot.write_bytes(steps.snapshot_file(session, archive, campaign))
        key.write_bytes(steps.public_key(session, archive))
        session.commit()
        yield session, people, ride, snapshot, key


def written(engine: sa.Engine, tmp_path: Path) -> Path:
    path = tmp_path / "books.zip"
    with store.session(engine, write=False) as session:
        write_books(session, path, END_S + 1)
    return path


def dismiss(session, people, ride) -> None:
    desk = review.Desk(session, load_rules(), "UTC", b"k" * 32, Looks(0, 0, False))
    (finding,) = store.findings_of_rides(session, [ride.id])
    review.look(desk, people["Rita"], finding.id, "own_ride", "", END_S + 5)


def test_a_correction_after_the_end_stands_beside_the_signed_board(ended, engine, tmp_path):
    session, people, ride, snapshot, key = ended
    assert store.corrections_of(session, 2) == []
    told = verify_file(snapshot.read_bytes(), key.read_bytes())
    assert corrections_since(told, written(engine, tmp_path)) == []
    dismiss(session, people, ride)
    (row,) = store.corrections_of(session, 2)
    assert (row.kind, row.millipoints, row.user_id) == ("release", 25_000, people["Ana"].id)
    assert row.text_es.endswith("es una corrección al lado de su tabla firmada.")
    assert "beside its signed board" in row.text_en
    again = verify_file(snapshot.read_bytes(), key.read_bytes())
    assert again == told
    (found,) = corrections_since(again, written(engine, tmp_path))
    assert asdict(found) == {name: getattr(row, name) for name in asdict(found)}
    points = {row[0]: row[1] for row in store.sums_of_campaign(session, 2)}
    signed = {row[1]: row[2] for row in told["board"]["rows"]}
    assert points[people["Ana"].id] == signed[people["Ana"].id] + 25_000
    words = ["campaigns", "verify", str(snapshot), "--key", str(key)]
    done = CliRunner().invoke(main, [*words, "--ledger", str(tmp_path / "books.zip")])
    assert done.exit_code == 0, done.output
    assert "gives the same board; 1 corrections after it, +25.000 points" in done.output


def test_an_end_that_the_books_do_not_give_is_refused(ended, engine, tmp_path):
    _, _, _, snapshot, key = ended
    told, books = verify_file(snapshot.read_bytes(), key.read_bytes()), written(engine, tmp_path)
    for change in ({"head_sha256": "0" * 64}, {"head_sequence": told["ledger"]["head_sequence"] - 30}):
        with pytest.raises(SnapshotRefused):
            corrections_since(told | {"ledger": told["ledger"] | change}, books)


def test_before_the_end_nothing_is_a_correction(session):
    play(session)
    assert store.corrections_of(session, 2) == []
