"""A disk that forgets at a power cut whatever was not synced: a FUSE pass-through over a folder.

Needs fusepy, libfuse2 and /dev/fuse. Run as `python -m tests.faults.forgetful_disk BACKING MOUNT`; making the
folder `.cut` in it cuts the power: every file goes back to what it was at its last sync, one that never
was is gone. It models the content of files, not entries of folders, torn sectors or changed order.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
from pathlib import Path

try:
    import fuse
except (ImportError, OSError):  # no fusepy, or no libfuse2 beside it
    fuse = None

CUT = "/.cut"
IS_THERE = fuse is not None and os.access("/dev/fuse", os.W_OK)


class ForgetfulDisk(fuse.Operations if fuse else object):
    """Files of `backing`; `shadow` holds what each unsynced file was at its last sync."""

    def __init__(self, backing: str, shadow: str) -> None:
        self.backing, self.shadow = backing, Path(shadow)
        self.unsynced: dict[str, Path | None] = {}
        self.guard = threading.RLock()

    def _at(self, path: str) -> str:
        return self.backing + path

    def _soil(self, path: str) -> None:
        """Before a file changes: keeps what a power cut would bring back."""
        if path in self.unsynced:
            return
        if not os.path.exists(self._at(path)):
            self.unsynced[path] = None
            return
        kept = self.shadow / f"{len(self.unsynced)}-{os.urandom(6).hex()}"
        shutil.copyfile(self._at(path), kept)
        self.unsynced[path] = kept

    def _clean(self, path: str) -> None:
        kept = self.unsynced.pop(path, None)
        if kept is not None:
            kept.unlink()

    def cut(self) -> None:
        """The power goes."""
        with self.guard:
            for path, kept in list(self.unsynced.items()):
                if kept is None or path.endswith("-shm"):  # memory shared by processes that are gone
                    Path(self._at(path)).unlink(missing_ok=True)
                else:
                    os.replace(kept, self._at(path))
            self.unsynced.clear()

    def getattr(self, path: str, fh: int | None = None) -> dict[str, float]:
        """As stat does."""
        try:
            found = os.lstat(self._at(path))
        except OSError as error:
            raise fuse.FuseOSError(error.errno) from error
        names = ("st_mode", "st_size", "st_mtime", "st_ctime", "st_atime", "st_nlink", "st_uid", "st_gid")
        return {name: getattr(found, name) for name in names}

    def readdir(self, path: str, fh: int) -> list[str]:
        """Names in a folder."""
        return [".", "..", *os.listdir(self._at(path))]

    def open(self, path: str, flags: int) -> int:
        """A handle."""
        with self.guard:
            if flags & os.O_TRUNC:
                self._soil(path)
            return os.open(self._at(path), (flags & ~os.O_APPEND) | os.O_RDWR if flags & 3 else flags)

    def create(self, path: str, mode: int, fi: object = None) -> int:
        """A new file."""
        with self.guard:
            self._soil(path)
            return os.open(self._at(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Bytes."""
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """Bytes that are not safe yet."""
        with self.guard:
            self._soil(path)
            return os.pwrite(fh, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        """Another length."""
        with self.guard:
            self._soil(path)
            os.truncate(self._at(path), length)

    def fsync(self, path: str, datasync: int, fh: int) -> None:
        """From now on the file is safe as it is."""
        with self.guard:
            os.fsync(fh)
            self._clean(path)

    def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
        """Entries of folders are safe in this model."""

    def flush(self, path: str, fh: int) -> None:
        """Closing is no sync."""

    def release(self, path: str, fh: int) -> None:
        """Closes."""
        os.close(fh)

    def rename(self, old: str, new: str) -> None:
        """Another name; what is not synced stays so."""
        with self.guard:
            self._clean(new)
            os.replace(self._at(old), self._at(new))
            if old in self.unsynced:
                self.unsynced[new] = self.unsynced.pop(old)

    def unlink(self, path: str) -> None:
        """Gone."""
        with self.guard:
            self._clean(path)
            os.unlink(self._at(path))

    def mkdir(self, path: str, mode: int) -> None:
        """A folder; the one named `.cut` is the switch."""
        if path == CUT:
            self.cut()
            raise fuse.FuseOSError(errno.ENOSPC)
        os.mkdir(self._at(path), mode)

    def rmdir(self, path: str) -> None:
        """A folder less."""
        os.rmdir(self._at(path))

    def chmod(self, path: str, mode: int) -> None:
        """Who may."""
        os.chmod(self._at(path), mode)

    def utimens(self, path: str, times: tuple[float, float] | None = None) -> None:
        """When."""
        os.utime(self._at(path), times)


def main() -> None:
    """Mounts until it is unmounted."""
    backing, mount = sys.argv[1:]
    shadow = Path(backing + "-shadow")
    shadow.mkdir(exist_ok=True)
    disk = ForgetfulDisk(backing, str(shadow))
    fuse.FUSE(disk, mount, foreground=True, nothreads=False, big_writes=True)


if __name__ == "__main__":
    main()
