"""Who, when, state and ledger: the tables, and the questions asked of them. Positions never come here."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, defer, mapped_column

from transitmap.errors import ConfigError, NameTaken, UploadRefused

ROLES = ("rider", "reviewer", "planner", "organiser")
RECEIVED, UNDERSTOOD, REFUSED = UPLOAD_STATES = ("received", "understood", "refused")
NO_NETWORK = ""
"""The network version of rides that came before the first feed."""

BUSY_TIMEOUT_MS = 30_000
TRY_AGAIN = (sa.exc.OperationalError, sa.exc.TimeoutError)
"""What a busy, full or unreachable database raises: nothing was kept, a later try may succeed."""
LEDGER_LOCK = "ledger"
HELD_FEED = "held_feed"
CHUNK = 5_000


class Base(DeclarativeBase):
    """The tables, with names for every constraint so that migrations can speak of them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        float: sa.Double(),
        dict[str, Any]: sa.JSON(),
        list[Any]: sa.JSON(),
    }


class User(Base):
    """A pseudonym. `name_key` is what makes two names the same: case and width do not count."""

    __tablename__ = "users"
    __table_args__ = (sa.CheckConstraint(f"role IN {ROLES!r}", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    name_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    password_hash: Mapped[str] = mapped_column(sa.String(255), default="")
    role: Mapped[str] = mapped_column(sa.String(16), default="rider")
    is_hidden: Mapped[bool] = mapped_column(default=False)
    locale: Mapped[str] = mapped_column(sa.String(16), default="es_MX")
    created_s: Mapped[float]


class Token(Base):
    """A write-only key of one device: only its hash is kept."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    created_s: Mapped[float]
    revoked_s: Mapped[float | None] = mapped_column(default=None)
    last_used_s: Mapped[float | None] = mapped_column(default=None)


class Upload(Base):
    """Bytes somebody sent. `state` is received, understood or refused; `detail` says why, for the rider.

    The same bytes are one upload a rider, and one rider's upload: only refused ones, which earned
    nothing, may come from several people (everybody's empty file has the same bytes).
    """

    __tablename__ = "uploads"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "sha256"),
        sa.CheckConstraint(f"state IN {UPLOAD_STATES!r}", name="state"),
        sa.Index(
            "uq_uploads_contributed",
            "sha256",
            unique=True,
            sqlite_where=sa.text("state <> 'refused'"),
            postgresql_where=sa.text("state <> 'refused'"),
        ),
    )

    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    n_bytes: Mapped[int]
    received_s: Mapped[float] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(sa.String(16), default=RECEIVED, index=True)
    reason: Mapped[str] = mapped_column(sa.String(64), default="")
    detail: Mapped[str] = mapped_column(sa.Text, default="")
    consent: Mapped[str] = mapped_column(sa.String(32), default="")


class RideRow(Base):
    """One ride of an upload: what was kept and what it was recognised as. Its fixes are in the archive.

    `sequence` is the order in which rides were understood, without gaps: the order of scoring.
    `stretch` names the calls between which the rider was on board (see `contribute`).
    """

    __tablename__ = "rides"
    __table_args__ = (sa.UniqueConstraint("upload_id", "ordinal"),)

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(sa.String(48), unique=True)
    upload_id: Mapped[str] = mapped_column(sa.ForeignKey("uploads.id"), index=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    ordinal: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(240))
    label: Mapped[str] = mapped_column(sa.String(200), default="")
    n_fixes: Mapped[int]
    dropped: Mapped[dict[str, Any]]
    warnings: Mapped[list[Any]]
    mode: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str] = mapped_column(sa.String(64), default="")
    network_version: Mapped[str] = mapped_column(sa.String(32), default=NO_NETWORK)
    route_id: Mapped[str] = mapped_column(sa.String(64), default="")
    route_name: Mapped[str] = mapped_column(sa.String(200), default="")
    direction_id: Mapped[int | None] = mapped_column(default=None)
    pattern_id: Mapped[str] = mapped_column(sa.String(64), default="")
    stretch: Mapped[dict[str, Any]]
    confidence: Mapped[float] = mapped_column(default=0.0)
    started_s: Mapped[float]
    distance_m: Mapped[float]
    packed_sha256: Mapped[str] = mapped_column(sa.String(64))


class FeedVersion(Base):
    """One published feed: the blobs it consists of, and the ids that the next one carries on.

    `network_sha256` is what everybody may see, `known_sha256` everything the rides showed (see `contribute`):
    what new rides are compared with, and never handed out. `changes_sha256` is what changed since the one
    before (empty where there is none), `change_counts` how much of it by kind and what happened. Where an
    earlier feed was brought back, `restores` is its id; `note` says why.
    """

    __tablename__ = "feed_versions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    made_s: Mapped[float]
    feed_sha256: Mapped[str] = mapped_column(sa.String(64))
    network_sha256: Mapped[str] = mapped_column(sa.String(64))
    evidence_sha256: Mapped[str] = mapped_column(sa.String(64))
    known_sha256: Mapped[str] = mapped_column(sa.String(64), default="")
    ids: Mapped[dict[str, Any]]
    rules_version: Mapped[str] = mapped_column(sa.String(64))
    n_rides: Mapped[int]
    notices: Mapped[list[Any]]
    change_counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    changes_sha256: Mapped[str] = mapped_column(sa.String(64), default="")
    restores: Mapped[str] = mapped_column(sa.String(32), default="")
    note: Mapped[str] = mapped_column(sa.Text, default="")


class FeedRefusal(Base):
    """A feed that was made of so many rides and not published, with all that was found in it."""

    __tablename__ = "feed_refusals"

    rules_version: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    n_rides: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_s: Mapped[float]
    notices: Mapped[list[Any]]


class LedgerRow(Base):
    """One award. Never changed, never deleted (triggers refuse both); a correction is a new row.

    `millipoints` are whole thousandths of a point, so that a sum has one value in any order.
    `network_version` is a FeedVersion.id, or NO_NETWORK.
    """

    __tablename__ = "ledger"
    __table_args__ = (sa.UniqueConstraint("ride_id", "rule"),)

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ride_id: Mapped[str] = mapped_column(sa.ForeignKey("rides.id"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    rule: Mapped[str] = mapped_column(sa.String(32))
    millipoints: Mapped[int] = mapped_column(sa.BigInteger)
    rules_version: Mapped[str] = mapped_column(sa.String(64))
    network_version: Mapped[str] = mapped_column(sa.String(32))
    evidence: Mapped[dict[str, Any]]
    text_es: Mapped[str] = mapped_column(sa.Text)
    text_en: Mapped[str] = mapped_column(sa.Text)
    created_s: Mapped[float] = mapped_column(index=True)


class Observation(Base):
    """Who counted as an observer of which segment under which network: derived, rebuilt by a replay.

    `segment` is a keyed hash of (route, direction, cell); the key is in the archive, so the rows tell
    nobody where anyone was. `day` counts local days since 1970-01-01.
    """

    __tablename__ = "observations"
    __table_args__ = {"sqlite_with_rowid": False}

    network_version: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    segment: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[int]


class Fact(Base):
    """Single facts of an installation, by name; the row named `ledger` is what awards queue for."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    value: Mapped[str] = mapped_column(sa.Text)


# --- opening -------------------------------------------------------------------------------------


def open_engine(url: str) -> sa.Engine:
    """The database at a URL: `sqlite:///path` or `postgresql://...`; the folder of a file is made.

    SQLite runs in WAL with synchronous=FULL (a receipt survives a power cut), foreign keys on.

    Raises:
        ConfigError: the URL cannot be read or names another kind of database.
    """
    try:
        place = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigError("database url", url.split(":")[0], "is no database URL") from error
    if place.drivername in ("postgres", "postgresql"):
        place = place.set(drivername="postgresql+psycopg")
    if place.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigError("database url", place.drivername, "must be sqlite or postgresql")
    if place.get_backend_name() == "postgresql":
        return sa.create_engine(place, pool_pre_ping=True)
    if place.database and place.database != ":memory:":
        Path(place.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(place)
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Writers take their lock at the start: a lock taken later fails at once instead of waiting."""
    is_writer = connection.get_execution_options().get("is_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


@contextmanager
def session(engine: sa.Engine, write: bool = True) -> Iterator[Session]:
    """A session that ends with a commit, or a rollback where the block raises.

    With `write=False` (pages that only look) SQLite gives a snapshot that no writer waits for. Rows stay
    readable after a commit.
    """
    with Session(engine.execution_options(is_writer=write), expire_on_commit=False) as open_session:
        yield open_session
        open_session.commit()


def upgrade(url: str, revision: str = "head") -> None:
    """Brings the tables of the database at `url` to a revision; nothing to do is no error."""
    _migrate(url, revision, "upgrade")


def downgrade(url: str, revision: str = "base") -> None:
    """Takes the tables of the database at `url` back to a revision. What they held is gone."""
    _migrate(url, revision, "downgrade")


def _migrate(url: str, revision: str, direction: str) -> None:
    from alembic import command
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", "transitmap:migrations")
    settings.set_main_option("path_separator", "os")
    engine = open_engine(url).execution_options(is_writer=True)
    try:
        with engine.begin() as connection:
            settings.attributes["connection"] = connection
            getattr(command, direction)(settings, revision)
    finally:
        engine.dispose()


# --- people --------------------------------------------------------------------------------------


def name_key(name: str) -> str:
    """What makes two pseudonyms the same: compatibility form, case folded, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def add_user(
    session: Session, name: str, password_hash: str, now_s: float, role: str = "rider", locale: str = "es_MX"
) -> User:
    """The new rider.

    Raises:
        NameTaken: somebody has that name, in whatever case.
        ConfigError: the name is empty or too long, or the role does not exist.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80 or len(name_key(name)) > 160 or not name.isprintable():
        raise ConfigError("name", len(name), "needs 1 to 80 printable characters")
    if role not in ROLES:
        raise ConfigError("role", role, f"must be one of {', '.join(ROLES)}")
    user = User(
        name=name,
        name_key=name_key(name),
        password_hash=password_hash,
        role=role,
        locale=locale,
        created_s=now_s,
        is_hidden=False,
    )
    if not _try_add(session, user):
        raise NameTaken(name)
    return user


def _try_add(session: Session, row: Base) -> bool:
    """False, and nothing changed, where a unique constraint refuses the row: the database decides a race."""
    try:
        with session.begin_nested():
            session.add(row)
    except sa.exc.IntegrityError:
        return False
    return True


def user_by_name(session: Session, name: str) -> User | None:
    """The rider of that name, in whatever case."""
    return session.scalar(sa.select(User).where(User.name_key == name_key(name)))


def user_by_id(session: Session, user_id: int) -> User | None:
    """The rider of that id."""
    return session.get(User, user_id)


def users(session: Session) -> list[User]:
    """Everybody, in order of arrival."""
    return list(session.scalars(sa.select(User).order_by(User.id)))


def add_token(session: Session, user: User, name: str, now_s: float) -> tuple[Token, str]:
    """A device's row and its token (256 random bits): shown once, never stored."""
    plain = "tm_" + secrets.token_urlsafe(32)
    token = Token(user_id=user.id, token_sha256=_sha256(plain), name=name.strip()[:80], created_s=now_s)
    session.add(token)
    session.flush()
    return token, plain


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def user_of_token(session: Session, plain: str, now_s: float) -> User | None:
    """Whose device this is; None for an unknown or revoked token. Notes the use, to the hour.

    A use is written at most once an hour: a phone that reports every ten seconds must not cost a write.
    """
    token = session.scalar(sa.select(Token).where(Token.token_sha256 == _sha256(plain)))
    if token is None or token.revoked_s is not None:
        return None
    if token.last_used_s is None or now_s - token.last_used_s > 3600:
        token.last_used_s = now_s
    return session.get(User, token.user_id)


def tokens_of_user(session: Session, user_id: int) -> list[Token]:
    """A rider's devices, revoked ones too, newest first."""
    return list(session.scalars(sa.select(Token).where(Token.user_id == user_id).order_by(Token.id.desc())))


def revoke_token(session: Session, token_id: int, user_id: int, now_s: float) -> bool:
    """Whether this rider has such a token; from now on it opens nothing."""
    token = session.scalar(sa.select(Token).where(Token.id == token_id, Token.user_id == user_id))
    if token is None:
        return False
    token.revoked_s = token.revoked_s or now_s
    session.flush()
    return True


# --- uploads and rides ---------------------------------------------------------------------------


def add_upload(
    session: Session, user_id: int, sha256: str, name: str, n_bytes: int, now_s: float, consent: str = ""
) -> tuple[Upload, bool]:
    """The upload of these bytes and whether it is new; a rider's same bytes again are the first upload.

    Raises:
        UploadRefused: `already_contributed`, another rider sent these bytes and they were of use.
    """
    mine = sa.select(Upload).where(Upload.user_id == user_id, Upload.sha256 == sha256)
    if (known := session.scalar(mine)) is not None:
        return known, False
    upload = Upload(
        id=secrets.token_urlsafe(16),
        user_id=user_id,
        sha256=sha256,
        name=clean_name(name),
        n_bytes=n_bytes,
        received_s=now_s,
        consent=consent,
        state=RECEIVED,
        reason="",
        detail="",
    )
    if _try_add(session, upload):
        return upload, True
    if (known := session.scalar(mine)) is not None:
        return known, False
    raise UploadRefused("already_contributed", "these bytes were contributed before, by another rider")


def clean_name(name: str) -> str:
    """A file's name fit to be shown: no folders, no control characters, at most 200 characters."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(letter for letter in unicodedata.normalize("NFC", last) if letter.isprintable())
    return shown.strip()[:200] or "upload"


def upload_by_id(session: Session, upload_id: str, user_id: int | None) -> Upload | None:
    """The upload, if it is this rider's; None for a foreign and a missing one alike.

    `user_id=None` asks for anybody's: only for organisers, reviewers and the machinery.
    """
    question = sa.select(Upload).where(Upload.id == upload_id)
    if user_id is not None:
        question = question.where(Upload.user_id == user_id)
    return session.scalar(question)


def uploads_of_user(session: Session, user_id: int, limit: int = 100, offset: int = 0) -> list[Upload]:
    """A rider's uploads, newest first."""
    question = (
        sa.select(Upload).where(Upload.user_id == user_id).order_by(Upload.received_s.desc(), Upload.id)
    )
    return list(session.scalars(question.limit(limit).offset(offset)))


def uploads_in_state(session: Session, state: str) -> list[Upload]:
    """Everybody's uploads in a state, oldest first: `received` ones wait to be understood."""
    return list(
        session.scalars(sa.select(Upload).where(Upload.state == state).order_by(Upload.received_s, Upload.id))
    )


def rides_of_upload(session: Session, upload_id: str) -> list[RideRow]:
    """The rides of one upload, in their order inside the file."""
    return list(
        session.scalars(sa.select(RideRow).where(RideRow.upload_id == upload_id).order_by(RideRow.ordinal))
    )


def rides_of_user(session: Session, user_id: int, limit: int = 100, offset: int = 0) -> list[RideRow]:
    """A rider's rides, newest first."""
    question = sa.select(RideRow).where(RideRow.user_id == user_id).order_by(RideRow.sequence.desc())
    return list(session.scalars(question.limit(limit).offset(offset)))


def rides_after(session: Session, sequence: int = 0) -> list[RideRow]:
    """Everybody's rides understood after that one, in the order of scoring."""
    return list(
        session.scalars(sa.select(RideRow).where(RideRow.sequence > sequence).order_by(RideRow.sequence))
    )


def ride_ids(session: Session) -> set[str]:
    """The ids of everybody's rides."""
    return set(session.scalars(sa.select(RideRow.id)))


def lock_ledger(session: Session) -> None:
    """Waits until nobody else scores or publishes; the session's commit lets the next one in.

    PostgreSQL locks one row; on SQLite the writer's transaction has the whole file already.
    """
    session.scalars(sa.select(Fact).where(Fact.name == LEDGER_LOCK).with_for_update()).one()


def next_ride_sequence(session: Session) -> int:
    """The place of the next ride in the order of scoring; call it under `lock_ledger`."""
    return (session.scalar(sa.select(sa.func.max(RideRow.sequence))) or 0) + 1


def add_rides(session: Session, rides: Sequence[RideRow]) -> None:
    """Stores rides of one upload; call it under `lock_ledger`."""
    session.add_all(rides)
    session.flush()


def settle_upload(session: Session, upload: Upload, state: str, reason: str = "", detail: str = "") -> None:
    """Says what became of an upload: understood, or refused with a reason."""
    upload.state, upload.reason, upload.detail = state, reason, detail
    session.flush()


def refresh_upload(session: Session, upload: Upload) -> None:
    """Reads the upload's row again: another worker may have settled it meanwhile."""
    session.refresh(upload)


# --- points --------------------------------------------------------------------------------------


def add_awards(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[LedgerRow]:
    """The awards that were new, as rows of the ledger; a (ride, rule) already paid is passed over.

    `rows` hold every column of LedgerRow but `sequence`. Call it under `lock_ledger`.
    """
    rides = {row["ride_id"] for row in rows}
    question = sa.select(LedgerRow.ride_id, LedgerRow.rule).where(LedgerRow.ride_id.in_(rides))
    paid = {(ride_id, rule) for ride_id, rule in session.execute(question)}
    sequence: int = session.scalar(sa.select(sa.func.max(LedgerRow.sequence))) or 0
    added: list[LedgerRow] = []
    for row in rows:
        if (row["ride_id"], row["rule"]) not in paid:
            paid.add((row["ride_id"], row["rule"]))
            added.append(LedgerRow(sequence=sequence + len(added) + 1, **row))
    session.add_all(added)
    session.flush()
    return added


def ledger_rows(
    session: Session, user_id: int | None = None, ride_id: str | None = None, limit: int | None = None
) -> list[LedgerRow]:
    """The ledger in its order, everybody's or one rider's or one ride's."""
    question = sa.select(LedgerRow).order_by(LedgerRow.sequence).limit(limit)
    if user_id is not None:
        question = question.where(LedgerRow.user_id == user_id)
    if ride_id is not None:
        question = question.where(LedgerRow.ride_id == ride_id)
    return list(session.scalars(question))


@dataclass(frozen=True)
class Standing:
    """What one rider earned in a period."""

    user_id: int
    name: str
    is_hidden: bool
    millipoints: int
    n_rides: int


def standings_rows(
    session: Session, since_s: float | None = None, until_s: float | None = None
) -> list[Standing]:
    """The ledger summed by rider over awards made in `since_s <= time < until_s`; hidden riders too.

    Riders without a row in the period are left out. `points.standings.board` makes ranks of it.
    """
    question = (
        sa.select(
            User.id,
            User.name,
            User.is_hidden,
            sa.func.sum(LedgerRow.millipoints),
            sa.func.count(sa.distinct(LedgerRow.ride_id)),
        )
        .join(LedgerRow, LedgerRow.user_id == User.id)
        .group_by(User.id, User.name, User.is_hidden)
        .order_by(User.id)
    )
    if since_s is not None:
        question = question.where(LedgerRow.created_s >= since_s)
    if until_s is not None:
        question = question.where(LedgerRow.created_s < until_s)
    return [
        Standing(i, name, hidden, int(points), n) for i, name, hidden, points, n in session.execute(question)
    ]


def observers(
    session: Session, network_version: str, segments: Sequence[int]
) -> dict[int, list[tuple[int, int]]]:
    """(user_id, day) of everyone who counted as an observer of these segments under a network."""
    found: dict[int, list[tuple[int, int]]] = {}
    for start in range(0, len(segments), CHUNK):
        question = sa.select(Observation.segment, Observation.user_id, Observation.day).where(
            Observation.network_version == network_version,
            Observation.segment.in_(segments[start : start + CHUNK]),
        )
        for segment, user_id, day in session.execute(question):
            found.setdefault(segment, []).append((user_id, day))
    return found


def add_observations(session: Session, network_version: str, rows: Sequence[tuple[int, int, int]]) -> None:
    """Stores (segment, user_id, day) of new observers; call it under `lock_ledger`."""
    values = [
        {"network_version": network_version, "segment": segment, "user_id": user_id, "day": day}
        for segment, user_id, day in rows
    ]
    for start in range(0, len(values), CHUNK):
        session.execute(sa.insert(Observation), values[start : start + CHUNK])


def copy_observations(session: Session, network_version: str, to_version: str) -> None:
    """Who counts under a network counts under another that knows the same. Call it under `lock_ledger`."""
    seen = sa.select(sa.literal(to_version), Observation.segment, Observation.user_id, Observation.day).where(
        Observation.network_version == network_version
    )
    columns = ("network_version", "segment", "user_id", "day")
    session.execute(sa.insert(Observation).from_select(columns, seen))


def all_observations(session: Session, network_version: str) -> list[tuple[int, int, int]]:
    """(segment, user_id, day) of every observer under a network, sorted."""
    question = (
        sa.select(Observation.segment, Observation.user_id, Observation.day)
        .where(Observation.network_version == network_version)
        .order_by(Observation.segment, Observation.user_id)
    )
    return [(segment, user_id, day) for segment, user_id, day in session.execute(question)]


# --- feeds and facts -----------------------------------------------------------------------------


def add_feed(session: Session, feed: FeedVersion) -> FeedVersion:
    """Publishes: from this session's commit on it is the latest feed. Call it under `lock_ledger`."""
    session.add(feed)
    session.flush()
    return feed


def feed_like(feed: FeedVersion, **changes: Any) -> FeedVersion:
    """A row for a new feed with the columns of another, but for the `changes`."""
    columns = {one.key: getattr(feed, one.key) for one in sa.inspect(FeedVersion).column_attrs}
    return FeedVersion(**(columns | changes))


def latest_feed(session: Session) -> FeedVersion | None:
    """The feed that holds now; None before the first."""
    return session.scalar(sa.select(FeedVersion).order_by(FeedVersion.number.desc()).limit(1))


def feed_by_id(session: Session, feed_id: str) -> FeedVersion | None:
    """One published feed, however old."""
    return session.scalar(sa.select(FeedVersion).where(FeedVersion.id == feed_id))


def feeds(session: Session, limit: int = 100) -> list[FeedVersion]:
    """The published feeds, newest first; their ids are read where somebody asks for them."""
    question = sa.select(FeedVersion).order_by(FeedVersion.number.desc()).limit(limit)
    return list(session.scalars(question.options(defer(FeedVersion.ids))))


def hold_feed(session: Session, feed_id: str) -> None:
    """No other feed is to be published while this one is the latest; an empty id lets go."""
    set_fact(session, HELD_FEED, feed_id)


def is_held(session: Session) -> bool:
    """Whether the feed that holds now was brought back, and nobody has let go of it."""
    latest = latest_feed(session)
    return latest is not None and fact(session, HELD_FEED) == latest.id


def add_refusal(
    session: Session, rules_version: str, n_rides: int, notices: Sequence[Mapping[str, Any]], now_s: float
) -> None:
    """Keeps what was found in a feed that may not be published; the same feed again takes its place."""
    session.merge(
        FeedRefusal(
            rules_version=rules_version, n_rides=n_rides, made_s=now_s, notices=[dict(one) for one in notices]
        )
    )
    session.flush()


def refusals(session: Session, since_s: float = 0.0) -> list[FeedRefusal]:
    """The feeds that were refused after a moment, newest first."""
    question = sa.select(FeedRefusal).where(FeedRefusal.made_s > since_s)
    return list(session.scalars(question.order_by(FeedRefusal.made_s.desc())))


def last_ride_s(session: Session) -> float | None:
    """When the latest ride of anybody began; None without any."""
    return session.scalar(sa.select(sa.func.max(RideRow.started_s)))


def counts(session: Session) -> dict[str, int]:
    """How many rows each table has: users, uploads, rides, feed_versions, ledger."""
    tables = (User, Upload, RideRow, FeedVersion, LedgerRow)
    return {
        table.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in tables
    }


def fact(session: Session, name: str) -> str | None:
    """A single fact of this installation; None where nobody set it."""
    row = session.get(Fact, name)
    return None if row is None else row.value


def set_fact(session: Session, name: str, value: str) -> None:
    """Sets a single fact of this installation."""
    session.merge(Fact(name=name, value=value))
    session.flush()
