"""Bodies by their SHA-256, in a folder or at any fsspec URL, and the compact forms of rides and networks."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import numpy as np
import numpy.typing as npt
import zstandard

from transitmap.errors import DiskFailed
from transitmap.model import Fixes, FloatArray, IntArray, JsonObject, Message, Network, Ride, Taps

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

RIDE_MAGIC = b"TMR\x01"  # the last byte is the version
COLUMNS_MAGIC = b"TMC\x01"
MESSAGE_MAGIC = b"TMM\x01"
PART = ".part-"
MS_PER_S = 1_000
PER_DEG = 10_000_000  # 1e-7 degrees: 11 mm
DM_PER_M = 10
ZSTD_LEVEL = 9
MESSAGE_LEVEL = 1  # a phone waits for it, and it is kept for an hour
_UNKNOWN = np.iinfo(np.int64).min
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LENGTH_BYTES = 4

T = TypeVar("T", bound="DataclassInstance")


class Archive:
    """A store where a body's name is its SHA-256, fanned out over 256 folders by the first two digits.

    `url` is a folder, or anything fsspec knows (`s3://...`, `memory://...`).
    """

    def __init__(self, url: str | Path) -> None:
        text = str(url)
        is_local = text.startswith("file://") or "://" not in text
        self._blobs = _Folder(Path(text.removeprefix("file://"))) if is_local else _Remote(text)

    def put(self, body: bytes) -> str:
        """Keeps a body and returns its SHA-256; in a folder it is on the disk, not in a cache, by then.

        The same body again costs nothing and changes nothing.

        Raises:
            OSError: it could not be kept; nothing of it is left.
            DiskFailed: the disk could not sync it.
        """
        sha = hashlib.sha256(body).hexdigest()
        self._blobs.write(_path(sha), body)
        return sha

    def get(self, sha: str) -> bytes:
        """The body of that name.

        Raises:
            KeyError: there is none.
            OSError: what lies there is not what was put, or cannot be read.
        """
        body = self._blobs.read(_path(sha))
        if body is None:
            raise KeyError(sha)
        if hashlib.sha256(body).hexdigest() != sha:
            raise OSError(f"archive damaged: {sha} has another content of {len(body)} bytes")
        return body

    def has(self, sha: str) -> bool:
        """Whether a body of that name is kept."""
        return self._blobs.exists(_path(sha))

    def delete(self, sha: str) -> None:
        """Forgets a body; one that is not there is forgotten already."""
        self._blobs.remove(_path(sha))

    def names(self) -> Iterator[tuple[str, float]]:
        """The SHA-256 of every body and when it was put (Unix time; 0 where the store does not say)."""
        for path, put_s in self._blobs.paths():
            folder, _, rest = path.rpartition("/")
            if _SHA256.fullmatch(sha := folder + rest):
                yield sha, put_s

    def add_note(self, kind: str, body: bytes) -> None:
        """Keeps a small body by its kind, apart from those by hash alone; the same one again is this one.

        Raises:
            OSError: it could not be kept.
        """
        self._blobs.write(f"{kind}/{hashlib.sha256(body).hexdigest()}", body)

    def notes(self, kind: str) -> list[bytes]:
        """All notes of a kind."""
        found = sorted(path for path, _ in self._blobs.paths() if path.startswith(f"{kind}/"))
        return [body for path in found if (body := self._blobs.read(path)) is not None]

    def clear_parts(self, before_s: float) -> int:
        """Deletes what writers who were stopped before that moment left half written; how many."""
        return self._blobs.clear_parts(before_s)


def _path(sha: str) -> str:
    """Where a body lies. Only a SHA-256 is a name, so that no name can lead out of the archive."""
    if not _SHA256.fullmatch(sha):
        raise ValueError(f"not a SHA-256: {len(sha)} characters")
    return f"{sha[:2]}/{sha[2:]}"


class _Folder:
    """Blobs as files: written beside their place, flushed to the disk, then moved into it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, body: bytes) -> None:
        target = f"{self.root}/{path}"
        folder = target.rpartition("/")[0]
        if os.access(target, os.F_OK):
            os.utime(target)  # who looks for bodies that nobody wants must see that somebody does
        else:
            temporary = f"{self.root}/{PART}{secrets.token_hex(8)}"
            handle = self._open_new(temporary)
            try:
                _write_all(handle, body)
                self._move(temporary, target)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()
                raise
        _sync(folder)  # also when it was there: another writer may be between its move and its sync

    def _open_new(self, path: str) -> int:
        """A new file that only we can read; the archive is made with the first one."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            return os.open(path, flags, 0o600)
        except FileNotFoundError:
            self.root.mkdir(parents=True, exist_ok=True)
            return os.open(path, flags, 0o600)

    def _move(self, path: str, target: str) -> None:
        """Moves a file into its folder, which is made with the first one in it."""
        try:
            Path(path).replace(target)
        except FileNotFoundError:
            Path(target).parent.mkdir(exist_ok=True)
            _sync(self.root)
            Path(path).replace(target)

    def clear_parts(self, before_s: float) -> int:
        n_gone = 0
        for part in self.root.glob(f"{PART}*"):
            with contextlib.suppress(FileNotFoundError):
                if part.stat().st_mtime < before_s:
                    part.unlink()
                    n_gone += 1
        return n_gone

    def read(self, path: str) -> bytes | None:
        try:
            return (self.root / path).read_bytes()
        except FileNotFoundError:
            return None

    def exists(self, path: str) -> bool:
        return (self.root / path).is_file()

    def paths(self) -> Iterator[tuple[str, float]]:
        for path in self.root.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                yield path.relative_to(self.root).as_posix(), path.stat().st_mtime

    def remove(self, path: str) -> None:
        target = self.root / path
        if target.exists():
            target.unlink(missing_ok=True)
            _sync(target.parent)


def _write_all(handle: int, body: bytes) -> None:
    """Writes a body to the disk, not to a cache, and closes the file."""
    try:
        rest = memoryview(body)
        while rest:
            rest = rest[os.write(handle, rest) :]
        _fsync(handle)
    finally:
        os.close(handle)


def _sync(folder: Path | str) -> None:
    """Makes names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        _fsync(handle)
    finally:
        os.close(handle)


def _fsync(handle: int) -> None:
    """A disk that is full says so and may be tried again; one that failed says so once."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno == errno.EIO:
            raise DiskFailed("archive") from error
        raise


class _Remote:
    """Blobs at an fsspec URL; an object store shows a body only when it is whole."""

    def __init__(self, url: str) -> None:
        import fsspec  # 60 ms, and most archives are folders

        self.files, self.root = fsspec.core.url_to_fs(url)

    def write(self, path: str, body: bytes) -> None:
        target = f"{self.root}/{path}"
        if self.files.exists(target) and self.files.size(target) == len(body):
            return
        self.files.makedirs(target.rpartition("/")[0], exist_ok=True)
        self.files.pipe_file(target, body)
        if self.files.size(target) != len(body):
            raise OSError(f"archive kept {self.files.size(target)} of {len(body)} bytes")

    def read(self, path: str) -> bytes | None:
        try:
            return bytes(self.files.cat_file(f"{self.root}/{path}"))
        except FileNotFoundError:
            return None

    def exists(self, path: str) -> bool:
        return bool(self.files.exists(f"{self.root}/{path}"))

    def paths(self) -> Iterator[tuple[str, float]]:
        with contextlib.suppress(FileNotFoundError):
            for path in self.files.find(self.root):
                yield path[len(self.files._strip_protocol(self.root)) :].lstrip("/"), 0.0

    def clear_parts(self, before_s: float) -> int:
        return 0

    def remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.files.rm_file(f"{self.root}/{path}")


def pack_ride(ride: Ride) -> bytes:
    """A ride in 2 to 5 bytes a fix: whole milliseconds, 1e-7 degrees and decimetres.

    Each column is stored as differences, folded to be positive and split into byte planes, so that the high
    bytes, nearly all zero, lie together and cost nothing.

    Raises:
        ValueError: a fix has no time or position; only screened rides are packed.
    """
    fixes, taps = ride.fixes, ride.taps
    if not all(np.isfinite(column).all() for column in (fixes.time_s, fixes.lat_deg, fixes.lon_deg)):
        raise ValueError(f"{len(fixes)} fixes, some without time or position; screen the ride first")
    columns = [
        _whole(fixes.time_s, MS_PER_S),
        _whole(fixes.lat_deg, PER_DEG),
        _whole(fixes.lon_deg, PER_DEG),
        _whole(fixes.accuracy_m, DM_PER_M),
        _whole(taps.time_s, MS_PER_S),
        _whole(taps.lat_deg, PER_DEG),
        _whole(taps.lon_deg, PER_DEG),
    ]
    header: JsonObject = {
        column.name: getattr(ride, column.name)
        for column in fields(Ride)
        if column.name not in ("fixes", "taps")
    }
    header |= {"n_fixes": len(fixes), "tap_names": taps.name}
    return RIDE_MAGIC + _compress(header, [_planes(column) for column in columns])


def unpack_ride(packed: bytes) -> Ride:
    """The ride that was packed, its columns rounded to the whole units.

    Raises:
        ValueError: these bytes are no packed ride of this version.
    """
    header, rest = _decompress(packed, RIDE_MAGIC)
    names = tuple(header.pop("tap_names"))
    end = 8 * 4 * header.pop("n_fixes")
    units = np.array([[MS_PER_S], [PER_DEG], [PER_DEG], [DM_PER_M]])
    fixes = Fixes(*_parts(_from_planes(rest[:end], 4), units))
    tapped_s, lat_deg, lon_deg = _parts(_from_planes(rest[end:], 3), units[:3])
    header["warnings"] = tuple(header["warnings"])
    return Ride(fixes=fixes, taps=Taps(tapped_s, lat_deg, lon_deg, names), **header)


def _whole(values: FloatArray, per_unit: int) -> IntArray:
    """Whole units, and a number that nothing else can be where the value is unknown."""
    known = np.isfinite(values)
    return np.where(known, np.rint(np.where(known, values, 0.0) * per_unit), _UNKNOWN).astype(np.int64)


def _parts(whole: IntArray, per_unit: IntArray) -> FloatArray:
    return np.where(whole == _UNKNOWN, np.nan, whole / per_unit)


def _planes(whole: IntArray) -> bytes:
    """Differences (wrapping), folded (0, -1, 1, -2 to 0, 1, 2, 3), lowest bytes of all first."""
    step = np.diff(whole, prepend=np.int64(0))
    folded = (step << 1) ^ (step >> 63)
    return np.ascontiguousarray(folded.astype("<i8").view(np.uint8).reshape(-1, 8).T).tobytes()


def _from_planes(planes: bytes, n_columns: int) -> IntArray:
    """(n_columns, n) whole units of columns of one length."""
    byte = np.frombuffer(planes, np.uint8).reshape(n_columns, 8, -1).transpose(0, 2, 1).copy()
    folded = byte.view("<i8")[:, :, 0].astype(np.int64)
    step = ((folded >> 1) & np.int64(2**63 - 1)) ^ -(folded & 1)
    return np.cumsum(step, axis=1, dtype=np.int64)


def pack_message(message: Message) -> bytes:
    """One request of a live phone, as it waits for its ride: a batch of 200 fixes in 6 % of its bytes."""
    header = {
        column.name: getattr(message, column.name) for column in fields(Message) if column.name != "body"
    }
    return MESSAGE_MAGIC + _compress(header, [message.body], MESSAGE_LEVEL)


def unpack_message(packed: bytes) -> Message:
    """The request that was packed.

    Raises:
        ValueError: these bytes are no packed message.
    """
    header, body = _decompress(packed, MESSAGE_MAGIC)
    return Message(**header, body=body)


def pack_network(network: Network) -> bytes:
    """A network as bytes: the same network gives the same bytes, whenever and wherever it is packed."""
    return pack_columns(network)


def unpack_network(packed: bytes) -> Network:
    """The network that was packed.

    Raises:
        ValueError: these bytes are no packed network, or one of other fields.
    """
    return unpack_columns(Network, packed)


def pack_columns(table: Any) -> bytes:
    """Any dataclass of arrays, tuples of text, plain values and further such dataclasses, as bytes."""
    arrays: list[bytes] = []
    return COLUMNS_MAGIC + _compress(_tree(table, arrays), arrays)


def unpack_columns(kind: type[T], packed: bytes) -> T:
    """What `pack_columns` made of a `kind`.

    Raises:
        ValueError: these bytes are no packed `kind`.
    """
    tree, rest = _decompress(packed, COLUMNS_MAGIC)
    names = {column.name for column in fields(kind)}
    if not tree.keys() <= names:
        raise ValueError(f"not a {kind.__name__}: holds {', '.join(sorted(tree))}")
    try:
        table: T = _table(kind, tree, rest)
    except TypeError as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error
    return table


def _tree(table: Any, arrays: list[bytes]) -> JsonObject:
    """The fields as JSON; arrays go to `arrays` and leave their type, shape and place."""
    tree: JsonObject = {}
    for column in fields(table):
        value = getattr(table, column.name)
        if is_dataclass(value):
            value = {"table": _tree(value, arrays)}
        elif isinstance(value, np.ndarray):
            little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
            at = sum(map(len, arrays))
            arrays.append(little.tobytes())
            value = {"dtype": little.dtype.str, "shape": list(value.shape), "at": at}
        tree[column.name] = value
    return tree


def _table(kind: Any, tree: JsonObject, rest: bytes) -> Any:
    """The dataclass `kind` with the fields of `tree`."""
    hints, values = get_type_hints(kind), {}
    for name, value in tree.items():
        if isinstance(value, dict) and "table" in value:
            values[name] = _table(hints.get(name), value["table"], rest)
        elif isinstance(value, dict) and "dtype" in value:
            values[name] = _array(value, rest)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _array(place: JsonObject, rest: bytes) -> npt.NDArray[Any]:
    dtype = np.dtype(place["dtype"])
    count = int(np.prod(place["shape"], dtype=np.int64))
    read = np.frombuffer(rest, dtype, count, place["at"]).reshape(place["shape"])
    return read.astype(dtype.newbyteorder("="))


def _compress(header: JsonObject, columns: Sequence[bytes], level: int = ZSTD_LEVEL) -> bytes:
    text = json.dumps(header, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    body = b"".join([len(text).to_bytes(_LENGTH_BYTES, "little"), text, *columns])
    return zstandard.ZstdCompressor(level=level).compress(body)


def _decompress(packed: bytes, magic: bytes) -> tuple[JsonObject, bytes]:
    """The header and the bytes behind it."""
    if not packed.startswith(magic):
        raise ValueError(f"starts with {packed[:4]!r}, not with {magic!r}")
    try:
        body = zstandard.ZstdDecompressor().decompress(packed[len(magic) :])
        end = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "little")
        header: JsonObject = json.loads(body[_LENGTH_BYTES:end])
    except (zstandard.ZstdError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"damaged: {type(error).__name__}") from error
    return header, body[end:]
