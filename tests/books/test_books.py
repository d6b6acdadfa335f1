"""The books say what the database says, and nobody changes anything in them unseen."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.books.played import NAMES, NOW_S, SLUG, line, play
from tests.test_store import add_ride
from transitmap import chain, store
from transitmap.books.export import WORDS, write_books
from transitmap.books.verify import verify_books
from transitmap.cli import main

LEDGER, SEALS, TABLE, SUMS = "ledger.jsonl", "seals.txt", "ledger.csv", "sums.csv"


@pytest.fixture
def books(engine: sa.Engine, tmp_path: Path) -> Path:
    """The books of a campaign that was played, from each database."""
    with store.session(engine) as session:
        play(session)
    return written(engine, tmp_path)


@pytest.fixture
def plain(sqlite_template: Path, tmp_path: Path) -> Path:
    """The same from one database, for tests of the file alone."""
    import shutil

    shutil.copyfile(sqlite_template, tmp_path / "plain.db")
    engine = store.open_engine(f"sqlite:///{tmp_path / 'plain.db'}")
    with store.session(engine) as session:
        people = play(session)
        store.set_fact(session, WORDS.format(2), "12345")
        ride = add_ride(session, people["Ana"], "8" * 64)
        store.add_lines(
            session, [line(91, people) | {"ride_id": ride.id}, line(99, people) | {"ride_id": ride.id}]
        )
    path = written(engine, tmp_path)
    engine.dispose()
    return path


def written(engine: sa.Engine, tmp_path: Path) -> Path:
    path = tmp_path / "books.zip"
    with store.session(engine, write=False) as session:
        write_books(session, path, NOW_S + 1e6)
    return path


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as books:
        return {name: books.read(name) for name in books.namelist()}


def rewritten(path: Path, **changed: bytes | None) -> Path:
    """The books with other content under some names (`_` for a dot); None leaves a file out."""
    there = contents(path) | {
        name.replace("__", "/").replace("_", "."): body for name, body in changed.items()
    }
    with zipfile.ZipFile(path, "w") as books:
        for name, body in there.items():
            if body is not None:
                books.writestr(name, body)
    return path


def codes(path: Path, *seals: str) -> set[str]:
    return {flaw.code for flaw in verify_books(path, seals).flaws}


# --- what is written -----------------------------------------------------------------------------


def test_books_are_right_and_say_what_the_database_says(books: Path, engine: sa.Engine) -> None:
    found = verify_books(books)
    assert (found.flaws, found.n_flaws, found.n_lines) == ([], 0, 40)
    with store.session(engine, write=False) as session:
        rows = store.ledger_rows(session)
        assert found.head == rows[-1].sha256
        assert found.verified[SLUG] == {
            one.user_id: one.verified_millipoints for one in store.entrants(session, 2)
        }
    texts = contents(books)[LEDGER].decode().splitlines()
    assert [json.loads(text)["key"] for text in texts] == [row.key for row in rows]


def test_books_of_an_empty_database(engine: sa.Engine, tmp_path: Path) -> None:
    found = verify_books(written(engine, tmp_path))
    assert (found.n_lines, found.n_flaws, found.head) == (0, 0, chain.GENESIS)


def test_names_are_told_of_those_alone_who_show_them(plain: Path) -> None:
    rows = list(csv.reader(io.StringIO(contents(plain)["riders.csv"].decode())))[1:]
    assert [name for _, name in rows] == [
        "" if name == "Caro" else "'=2+3" if name == "=2+3" else name for name in NAMES
    ]
    everything = b"".join(contents(plain).values())
    assert b"Caro" not in everything


def test_no_cell_of_a_table_is_run(plain: Path) -> None:
    for name, body in contents(plain).items():
        if name.endswith(".csv"):
            cells = [cell for row in csv.reader(io.StringIO(body.decode(), newline="")) for cell in row]
            odd = [cell for cell in cells if cell[:1] in "=+@\t\r" and cell]
            assert not odd, name
            assert all(float(cell) < 0 for cell in cells if cell.startswith("-"))


def test_the_script_in_the_books_checks_them_alone(plain: Path, tmp_path: Path) -> None:
    """It must run where nothing of ours is, and find what we find."""
    script = tmp_path / "check.py"
    script.write_bytes(contents(plain)["check.py"])
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 20
    head = verify_books(plain).head

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-S", str(script), str(plain), *words], capture_output=True, text=True
        )

    good = run(head)
    assert (good.returncode, good.stderr) == (0, "")
    assert f"42 lines, last seal {head} | sums right: True | seals not found: none" in good.stdout
    assert run("f" * 64).returncode == 1
    rewritten(plain, ledger_jsonl=contents(plain)[LEDGER].replace(b"new_metres", b"new_metros", 1))
    assert "line 1 is not what was written" in run().stderr


def test_the_readme_says_it_in_both_languages(plain: Path) -> None:
    text = contents(plain)["README.txt"].decode()
    assert "LOS LIBROS" in text and "THE BOOKS" in text
    for name in contents(plain):
        assert name.split("/")[-1] in text or name.split("/")[-1] in (
            "rules.toml",
            "prizes.toml",
            "campaign.json",
            "README.txt",
            "prizes.csv",
            "draw.csv",
        )


# --- what is changed is found --------------------------------------------------------------------

N = 42


def lines_of(path: Path, name: str) -> list[bytes]:
    return contents(path)[name].splitlines(keepends=True)


@pytest.mark.parametrize("at", [0, 1, 20, N - 1])
@pytest.mark.parametrize("what", ["change", "delete", "insert", "reorder"])
def test_a_line_that_is_changed_deleted_inserted_or_moved_is_found(plain: Path, at: int, what: str) -> None:
    """Whoever does it does it everywhere: in the ledger, its seals and its table."""
    changed = {}
    for name, key in ((LEDGER, "ledger_jsonl"), (SEALS, "seals_txt"), (TABLE, "ledger_csv")):
        rows = lines_of(plain, name)
        i = at + (name == TABLE)
        if what == "change":
            rows[i] = rows[i].replace(b"confirmation", b"confirmatioN")
        elif what == "delete":
            del rows[i]
        elif what == "insert":
            rows.insert(i, rows[i])
        else:
            j = i - 1 if at else i + 1
            rows[i], rows[j] = rows[j], rows[i]
        changed[key] = b"".join(rows)
    found = codes(rewritten(plain, **changed))
    if what == "delete" and at == N - 1:
        assert found == {"manifest", "sums", "prizes"}  # the chain is whole, what follows from it is not
    else:
        assert "seal" in found or "key" in found


def test_one_digit_anywhere_counts(plain: Path) -> None:
    """In every line another one, from its first to its last."""
    rows, text = lines_of(plain, LEDGER), contents(plain)[LEDGER]
    for at, row in enumerate(rows):
        digits = [place for place in range(len(row)) if row[place : place + 1].isdigit()]
        place = digits[at * (len(digits) - 1) // (len(rows) - 1)]
        other = b"%d" % ((int(row[place : place + 1]) + 1) % 10)
        changed = [*rows[:at], row[:place] + other + row[place + 1 :], *rows[at + 1 :]]
        assert b"".join(changed) != text
        found = verify_books(rewritten(plain, ledger_jsonl=b"".join(changed))).flaws
        assert ("seal", f"line {at + 1}") in {(flaw.code, flaw.where) for flaw in found}


def resealed(rows: list[bytes]) -> bytes:
    """The seals of whoever writes everything anew."""
    import hashlib

    seals, seal = [], chain.GENESIS
    for row in rows:
        seal = hashlib.sha256(f"{seal}\n".encode() + row.rstrip(b"\n")).hexdigest()
        seals.append(f"{seal}\n".encode())
    return b"".join(seals)


def test_whoever_seals_anew_is_found_by_a_seal_that_was_published(plain: Path) -> None:
    """And by the board, unless that is forged, too: then only a published seal tells."""
    published = verify_books(plain).head
    rows = lines_of(plain, LEDGER)
    first = json.loads(rows[3])
    first["text_en"] = "another text"
    rows[3] = (json.dumps(first, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()
    table = lines_of(plain, TABLE)
    table[4] = table[4].replace(b"1.0 km of route 7", b"another text")
    seals = resealed(rows)
    manifest = json.loads(contents(plain)["manifest.json"]) | {"head": seals.split()[-1].decode()}
    rewritten(
        plain,
        ledger_jsonl=b"".join(rows),
        seals_txt=seals,
        ledger_csv=b"".join(table),
        manifest_json=json.dumps(manifest).encode(),
    )
    assert codes(plain) == set()
    assert codes(plain, published) == {"published"}


def forged(path: Path, at: int, **changes: object) -> Path:
    """A line changed and everything sealed anew."""
    rows = lines_of(path, LEDGER)
    told = json.loads(rows[at]) | changes
    rows[at] = (json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()
    return rewritten(path, ledger_jsonl=b"".join(rows), seals_txt=resealed(rows))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"verified_millipoints": 10**6}, "sums"),
        ({"millipoints": -1}, "sums"),
        ({"campaign_id": 1}, "sums"),
        ({"user_id": 2}, "sums"),
        ({"day": 1}, "sums"),
        ({"key": "line 4"}, "key"),
        ({"sequence": 9}, "sequence"),
        ({"millipoints": 1.5}, "line"),
        ({"millipoints": True}, "line"),
        ({"user_id": 1 << 62}, "line"),
        ({"ride_id": 7}, "line"),
        ({"created_s": "now"}, "line"),
        ({"created_s": 1e300}, "line"),
        ({"more": 1}, "line"),
    ],
)
def test_what_a_forged_line_says_is_compared(plain: Path, changes: dict[str, object], code: str) -> None:
    assert code in codes(forged(plain, 3, **changes))


def test_a_ride_that_counts_twice_is_found(plain: Path) -> None:
    assert "sums" in codes(forged(plain, 41, ride_id="another"))


def test_another_way_of_writing_a_line_is_found(plain: Path) -> None:
    """Two values under one name: a reader could take either."""
    rows = lines_of(plain, LEDGER)
    rows[0] = rows[0].replace(b'"millipoints":', b'"millipoints":9,"millipoints":', 1)
    assert "line" in codes(rewritten(plain, ledger_jsonl=b"".join(rows), seals_txt=resealed(rows)))


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("sums_csv", b",0,1,", b",0,1,9", "sums"),
        ("riders_csv", b"Ana", b"Eva", "files"),
        ("README_txt", b"LIBROS", b"libros", "files"),
        ("check_py", b"sha256", b"sha512", "files"),
        ("manifest_json", b'"lines":42', b'"lines":41', "manifest"),
        ("manifest_json", b"transitmap books", b"other books", "format"),
        ("manifest_json", b"{", b"", "unreadable"),
        ("ledger_csv", b"HYPERLINK 3:", b"HYPERLINK 4:", "table"),
        ("ledger_csv", b"line,utc", b"utc,line", "table"),
        ("campaigns__centro__prizes_csv", b"first,", b"first,9", "prizes"),
        ("campaigns__centro__draw_csv", b"0,", b"1,", "prizes"),
        ("campaigns__centro__entrants_csv", b"no_consent", b"", "prizes"),
        ("campaigns__centro__entrants_csv", b"no_consent", b"why", "campaign"),
        ("campaigns__centro__entrants_csv", b"\r\n1,", b"\r\n77,", "entrants"),
        ("campaigns__centro__prizes_toml", b"first_permille = 100", b"first_permille = 99", "prizes"),
        ("campaigns__centro__prizes_toml", b"[pay]", b"[pay", "prizes"),
        (
            "campaigns__centro__campaign_json",
            b'"budget_centavos":170000',
            b'"budget_centavos":990000',
            "prizes",
        ),
        ("campaigns__centro__campaign_json", b'"snapshot_sha256":"5', b'"snapshot_sha256":"6', "files"),
        ("campaigns__centro__campaign_json", b'"slug":"centro"', b'"slug":"norte"', "campaign"),
        ("campaigns__centro__campaign_json", b'"words":"1', b'"words":"2', "prizes"),
    ],
)
def test_what_stands_beside_the_ledger_is_compared(
    plain: Path, name: str, old: bytes, new: bytes, code: str
) -> None:
    body = contents(plain)[name.replace("__", "/").replace("_", ".")]
    assert old in body
    assert code in codes(rewritten(plain, **{name: body.replace(old, new, 1)}))


@pytest.mark.parametrize("name", ["ledger_jsonl", "seals_txt", "manifest_json", "sums_csv", "riders_csv"])
def test_a_file_that_is_missing_is_found(plain: Path, name: str) -> None:
    assert "missing" in codes(rewritten(plain, **{name: None}))


def test_a_file_nobody_named_is_found(plain: Path) -> None:
    assert codes(rewritten(plain, more_txt=b"more")) == {"files"}


def test_what_is_no_zip_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"no zip at all")
    assert codes(path) == {"unreadable"}


def test_a_database_that_was_changed_by_hand_is_found(engine: sa.Engine, tmp_path: Path) -> None:
    with store.session(engine) as session:
        play(session)
        session.execute(sa.text("UPDATE sums SET verified_millipoints = 7 WHERE user_id = 1"))
    assert "sums" in codes(written(engine, tmp_path))


# --- the commands --------------------------------------------------------------------------------


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(word) for word in words])
    return done.exit_code, done.output


def test_anybody_with_the_books_gets_the_same_prizes(
    database_url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    with store.session(engine) as session:
        play(session)
    path = tmp_path / "b.zip"
    code, told = run("points", "export", path, "--database-url", database_url)
    assert code == 0
    head = told.split()[-1]
    assert run("points", "verify", path, "--seal", head) == (
        0,
        f"{path}: 40 lines, 0 flaws, last seal {head}\n",
    )
    for form in ("--json", "--csv"):
        of_database = run("prizes", form, "--seed", "lotería 12345", "--database-url", database_url)
        of_books = run("prizes", form, "--seed", "lotería 12345", "--ledger", path)
        assert of_database == of_books
        assert of_books[0] == 0
    told = json.loads(run("prizes", "--campaign", SLUG, "--json", "--ledger", path)[1])
    assert told["paid_centavos"] <= told["budget_centavos"] == 170_000
    assert set(told["out"].values()) == {"no_consent", "staff", "open_finding"}
    assert {one["name"] for one in told["prizes"]} <= {"Ana", "'=2+3", "Beto", "Dani", ""}


def test_other_words_draw_others(plain: Path) -> None:
    first, second = (
        json.loads(run("prizes", "--json", "--seed", word, "--ledger", plain)[1]) for word in "ab"
    )
    assert first["seed"] != second["seed"]
    assert first["drawn"] != second["drawn"]


def test_books_with_flaws_prove_nothing(plain: Path) -> None:
    rewritten(plain, more_txt=b"more")
    code, told = run("prizes", "--ledger", plain)
    assert code == 2
    assert "1 flaws, the first: files more.txt" in told
    code, told = run("points", "verify", plain)
    assert code == 1
    assert "files more.txt: is missing, or nobody named it" in told
    assert json.loads(run("points", "verify", plain, "--json")[1])["flaws"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--campaign", "norte"), "must be one of those with prizes: centro"),
        (("--hold",), "--ledger reads none"),
    ],
)
def test_bad_usage_is_told(plain: Path, words: tuple[str, ...], said: str) -> None:
    code, told = run("prizes", *words, "--ledger", plain)
    assert code == 2
    assert said in told


def test_people_read_who_won(plain: Path) -> None:
    code, told = run("prizes", "--ledger", plain)
    assert code == 0
    *winners, last = told.splitlines()
    assert "rider 4" in told  # who hides is a number
    assert "Caro" not in told
    assert last.startswith(f"{SLUG} (closed): {len(winners)} winners, ")
