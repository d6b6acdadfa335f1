"""Stage 1. Files, folders and archives -> the names and bodies of what they hold, one after the other."""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from transitmap.collect.formats.kinds import RANK, SNIFF_BYTES, kind_of
from transitmap.config import CollectConfig
from transitmap.errors import DAMAGED_ARCHIVE, UploadRefused
from transitmap.model import Refusal

CHUNK_BYTES = 1 << 16
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
GZIP_START = b"\x1f\x8b"
DOCUMENT_STARTS = (b"<?xml", b"\xef\xbb\xbf<", b"<gpx", b"<kml", b"<Train")
NOTICES = ("same_ride_other_format",)
"""Reasons that are no fault of the input: nothing is lost and there is nothing to mend."""
_KML, _KMZ_EXTRAS = ".kml", (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".ico", ".dae", ".xsl")
_STRAVA_TABLE, _STRAVA_FOLDER = "activities.csv", "activities/"
_MACOS_FOLDER = "__MACOSX"

Item = tuple[str, bytes] | Refusal
"""One file by its name inside the input and its body, or why there is none."""


def for_files(config: CollectConfig) -> CollectConfig:
    """The same settings for files of one's own: archives of any size, rides of any year (0 = no limit).

    Each file stays bounded by `max_member_bytes` and `max_fixes`, so memory does.
    """
    return replace(config, max_upload_bytes=0, max_unpacked_bytes=0, max_members=0, max_past_years=0.0)


def open_inputs(paths: Iterable[Path | str], config: CollectConfig) -> Iterator[Item]:
    """Every file in files, folders (all levels, by name) and zips, read one at a time; no hidden files.

    A file is named by its own name, in a folder by its path relative to that, in a zip by `zip/member`; a
    name that comes again gets `~2`. What cannot be read is a Refusal and ends nothing else.
    """
    seen: dict[str, int] = {}
    for path in map(Path, paths):
        n_files = 0
        for name, file in _files(path):
            n_files += 1
            yield from _named_once(_open_file(name, file, config), seen)
        if not n_files:
            yield Refusal(_clean(path.name), "empty_folder", "the folder holds no files")


def unpack(name: str, body: bytes, config: CollectConfig) -> Iterator[Item]:
    """What one upload holds: itself, the inside of a gzip, or the members of a zip, read in memory.

    Nothing is written to disk and paths inside an archive are names only. One level of gzip may lie in a zip.
    """
    if config.max_upload_bytes and len(body) > config.max_upload_bytes:
        detail = f"{len(body)} bytes, limit {config.max_upload_bytes}; gzip it or split by day"
        yield Refusal(_clean(name), "too_large", detail)
    elif body.startswith(ZIP_STARTS):
        yield from _named_once(_open_zip(_clean(name), io.BytesIO(body), config), {})
    else:
        yield from _documents(_clean(name), body, _room(config, 0))


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """The path itself, or the files below it in order of their names; links to folders are not followed."""
    if not path.is_dir():
        yield path.name, path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            inside = Path(folder, file)
            if not file.startswith(".") and not _is_odd(inside):
                yield inside.relative_to(path).as_posix(), inside


def _is_odd(path: Path) -> bool:
    """Pipes, sockets and devices, which could block for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _open_file(name: str, path: Path, config: CollectConfig) -> Iterator[Item]:
    """The bodies in one file on disk; a zip is read in place."""
    name = _clean(name)
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start.startswith(ZIP_STARTS):
                yield from _open_zip(name, file, config)
                return
            size = path.stat().st_size
            if size > config.max_member_bytes:
                detail = f"{size} bytes, limit {config.max_member_bytes}"
                yield Refusal(name, "too_large", detail)
                return
            body = file.read()
    except OSError as error:
        yield Refusal(name, "unreadable", error.strerror or type(error).__name__)
        return
    yield from _documents(name, body, _room(config, 0))


def _room(config: CollectConfig, used: int) -> int:
    """Bytes the next file may have: its own limit, and what is left of the limit of all."""
    if not config.max_unpacked_bytes:
        return config.max_member_bytes
    return min(config.max_member_bytes, config.max_unpacked_bytes - used)


def _open_zip(name: str, file: BinaryIO, config: CollectConfig) -> Iterator[Item]:
    """The members of a zip by name. The declared sizes are checked before a byte is unpacked."""
    try:
        archive = zipfile.ZipFile(file)
    except DAMAGED_ARCHIVE as error:
        yield Refusal(name, "archive_damaged", f"the zip cannot be opened: {type(error).__name__}")
        return
    with archive:
        members = _traces(sorted(filter(_is_wanted, archive.infolist()), key=lambda member: member.filename))
        refusal = _refuse_zip(name, members, config)
        if refusal is not None:
            yield refusal
            return
        used, spare = 0, _in_better_formats(archive, members)
        for member in members:
            inside = f"{name}/{_clean(member.filename)}"
            if member.filename in spare:
                detail = "the file of the same name in a format that says more is read instead"
                yield Refusal(inside, "same_ride_other_format", detail)
                continue
            for item in _open_member(inside, archive, member, config, used):
                used += 0 if isinstance(item, Refusal) else len(item[1])
                yield item


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    parts = member.filename.replace("\\", "/").split("/")
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return not (member.filename.endswith("/") or hidden or _MACOS_FOLDER in parts)


def _traces(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """All members; of a KMZ its document without icons and photos, of Strava's export its activities."""
    names = [member.filename for member in members]
    if all(name.lower().endswith((_KML, *_KMZ_EXTRAS)) for name in names):
        return [member for member in members if member.filename.lower().endswith(_KML)] or members
    folders = [name.removesuffix(_STRAVA_TABLE) + _STRAVA_FOLDER for name in names if _is_strava_table(name)]
    if any(name.startswith(tuple(folders)) for name in names if folders):
        return [member for member in members if member.filename.startswith(tuple(folders))]
    return members


def _is_strava_table(name: str) -> bool:
    return PurePosixPath(name).name == _STRAVA_TABLE


def _in_better_formats(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> set[str]:
    """Members whose ride a member of the same name holds in a better format: GPSLogger packs all it has."""
    namesakes: dict[str, list[zipfile.ZipInfo]] = {}
    for member in members:
        name = member.filename.removesuffix(".gz")
        namesakes.setdefault(name.removesuffix(PurePosixPath(name).suffix), []).append(member)
    spare: set[str] = set()
    for group in namesakes.values():
        if len(group) > 1:
            kinds = [_kind_inside(archive, member) for member in group]
            ranks = [RANK.index(kind) if kind in RANK else -1 for kind in kinds]
            best = min((rank for rank in ranks if rank >= 0), default=-1)
            spare |= {member.filename for member, rank in zip(group, ranks, strict=True) if rank > best >= 0}
    return spare


def _kind_inside(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    """What the first bytes of a member say, also of a gzip; empty where they cannot be read."""
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return ""
    try:
        with archive.open(member) as file:
            head = file.read(SNIFF_BYTES)
        if head.startswith(GZIP_START):
            head = zlib.decompressobj(wbits=31).decompress(head, SNIFF_BYTES)
    except DAMAGED_ARCHIVE:
        return ""
    return kind_of(head)


def _refuse_zip(name: str, members: list[zipfile.ZipInfo], config: CollectConfig) -> Refusal | None:
    """Why the zip as a whole is refused, None where it is not."""
    size = sum(member.file_size for member in members)
    if not members:
        return Refusal(name, "empty_archive", "the zip holds no files")
    if config.max_members and len(members) > config.max_members:
        return Refusal(name, "too_many_files", f"{len(members)} files, limit {config.max_members}")
    if config.max_unpacked_bytes and size > config.max_unpacked_bytes:
        detail = f"{size} bytes unpacked, limit {config.max_unpacked_bytes}"
        return Refusal(name, "archive_too_big", detail)
    return None


def _open_member(
    name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, config: CollectConfig, used: int
) -> Iterator[Item]:
    """The body of one member, of each document where it is a gzip, or the reason there is none."""
    room = _room(config, used)
    try:
        body = _read_member(archive, member, room)
        if body.startswith(ZIP_STARTS):
            raise UploadRefused("nested_archive", "a zip inside a zip; unpack it first")
    except UploadRefused as refusal:
        yield Refusal(name, refusal.reason, refusal.detail)
    except DAMAGED_ARCHIVE as error:
        yield Refusal(name, "archive_damaged", f"the file cannot be unpacked: {type(error).__name__}")
    else:
        yield from _documents(name, body, room)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, room: int) -> bytes:
    """Unpacks a member in small pieces: one big read would trust the size that the archive declares."""
    if member.flag_bits & 1:
        raise UploadRefused("encrypted", "the file is encrypted; send it without a password")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise UploadRefused("not_a_trace", "a symbolic link, not a file")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UploadRefused("archive_damaged", f"compression method {member.compress_type} is not read here")
    if member.file_size > room:
        raise UploadRefused("archive_too_big", f"{member.file_size} bytes unpacked, limit {room}")
    with archive.open(member) as file:
        return b"".join(iter(lambda: file.read(CHUNK_BYTES), b""))


def _documents(name: str, body: bytes, room: int) -> Iterator[Item]:
    """The body, or what is in it where it is a gzip."""
    if not body.startswith(GZIP_START):
        yield name, body
        return
    try:
        documents = _gunzip(body, room)
    except UploadRefused as refusal:
        yield Refusal(name, refusal.reason, refusal.detail)
        return
    for number, document in enumerate(documents, start=1):
        yield (name if number == 1 else f"{name}/{number}"), document


def _gunzip(body: bytes, room: int) -> list[bytes]:
    """The documents in a gzip: its members, those that only continue a document joined to it.

    Raises:
        UploadRefused: `gzip_truncated`, `gzip_crc`, `nested_archive`; `archive_too_big` beyond `room` bytes.
    """
    keep = int.from_bytes(body[-4:], "little") <= room  # the size an honest gzip declares; else only counted
    documents: list[bytes] = []
    at = 0
    while at < len(body) and body[at : at + 1] != b"\0":  # some tools pad with zeros
        member, at = _gunzip_member(body, at, room, keep)
        room -= len(member)
        if member.startswith((GZIP_START, *ZIP_STARTS)):
            raise UploadRefused("nested_archive", "an archive inside a gzip; unpack it first")
        if documents and not member.startswith(DOCUMENT_STARTS):
            documents[-1] += member
        else:
            documents.append(member)
    return documents


def _gunzip_member(body: bytes, at: int, room: int, keep: bool) -> tuple[bytes, int]:
    """One gzip member from `at`, and where the next begins; checks length and sum at its end."""
    unzip, pieces, size, pending = zlib.decompressobj(wbits=31), [], 0, b""
    while not unzip.eof:
        if not pending:
            pending, at = body[at : at + CHUNK_BYTES], at + CHUNK_BYTES
            if not pending:
                raise UploadRefused("gzip_truncated", "the gzip ends before its end; send it again")
        try:
            piece = unzip.decompress(pending, 1 << 20)
        except zlib.error as error:
            raise UploadRefused("gzip_crc", "the gzip is damaged; send it again") from error
        pending = unzip.unconsumed_tail
        size += len(piece)
        if size > room:
            raise UploadRefused("archive_too_big", f"more than {room} bytes unpacked")
        if keep:
            pieces.append(piece)
    return b"".join(pieces), min(at, len(body)) - len(unzip.unused_data)


def _named_once(items: Iterator[Item], seen: dict[str, int]) -> Iterator[Item]:
    """The same items, a name that has come before marked `~2`, `~3`..."""
    for item in items:
        name = item.ride_id if isinstance(item, Refusal) else item[0]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name = f"{name}~{seen[name]}"
        yield replace(item, ride_id=name) if isinstance(item, Refusal) else (name, item[1])


def _clean(name: str) -> str:
    """A name that is only a name: no way up, no root, nothing unprintable."""
    parts = name.replace("\\", "/").split("/")
    kept = "/".join(part for part in parts if part not in ("", ".", ".."))
    printable = "".join(char if char.isprintable() else "_" for char in kept)
    return printable[-200:] or "unnamed"
