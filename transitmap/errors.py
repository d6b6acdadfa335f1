"""The error tree. A bad item is data; a bad call is one of these.

TransitmapError
├── UploadRefused   a file nobody can use; the rider can mend it
├── ReaderDied      a reader that crashed or took more than its limits
├── ReaderBusy      a reader that did not come to its end in time
├── NotEnoughData   a question the evidence cannot answer
├── ConfigError     a setting that makes no sense
├── NameTaken       a pseudonym that somebody has already
├── BackupDamaged   a copy that is not what it was
├── BooksWrong      books of the ledger that are not what was written
├── NothingToPublish no line yet that enough people rode
├── RidesWithdrawn  somebody was erased while a feed was made of their rides
├── RollbackRefused an earlier feed that cannot hold again
├── CampaignRefused a step of a campaign's life that may not be taken
├── SnapshotRefused a signed end of a campaign that is not what was signed
├── PayoutRefused   a prize that cannot be approved or paid now
└── FeedInvalid     a feed that must not be published

DiskFailed stands outside: whoever can go on after the others must not go on after it.
"""

import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

DAMAGED_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,  # it ends too early
    NotImplementedError,  # packed by a method that zipfile does not know
    RuntimeError,  # encrypted
    ValueError,  # sizes or dates that cannot be
    OSError,  # it points outside itself, or the disk cannot be read
)
"""What zipfile raises of an archive that it cannot open, unpack or decipher."""


class TransitmapError(Exception):
    """Whatever transitmap refuses to do."""


class UploadRefused(TransitmapError):
    """An upload that cannot be used as a whole; `reason` is a stable code, `detail` says what to do.

    `line` and `column` (1-based) point into the file where a parser knows them.
    """

    def __init__(self, reason: str, detail: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail, self.line, self.column = reason, detail, line, column


class ReaderDied(TransitmapError):
    """A reader crashed (`parser_crash`) or took more than its limits (`too_complex`)."""

    def __init__(self, reason: str, what: str) -> None:
        super().__init__(f"{reason}: {what}")
        self.reason, self.what = reason, what


class ReaderBusy(TransitmapError):
    """A reader did not come to its end within so many seconds."""

    def __init__(self, within_s: float) -> None:
        super().__init__(f"not read within {within_s:.1f} s")
        self.within_s = within_s


class UnpackedEnough(TransitmapError):
    """An archive must wait: its rider's others unpacked to as much as they may in a day."""


class NotEnoughData(TransitmapError):
    """A stage had less than it needs: `what`, how many there are (`have`) and must be (`need`)."""

    def __init__(self, what: str, have: int, need: int) -> None:
        super().__init__(f"{what}: {have}, need {need}")
        self.what, self.have, self.need = what, have, need


class ConfigError(TransitmapError):
    """A setting is unknown or breaks its rule."""

    def __init__(self, name: str, value: object, rule: str) -> None:
        super().__init__(f"{name} = {value!r}: {rule}")
        self.name, self.value, self.rule = name, value, rule


class ExtraMissing(TransitmapError):
    """What was asked needs `library`, which comes with the optional part `extra` of the installation."""

    def __init__(self, what: str, library: str, extra: str) -> None:
        super().__init__(f"{what} needs {library}: pip install 'transitmap[{extra}]'")
        self.library, self.extra = library, extra


class NameTaken(TransitmapError):
    """A pseudonym somebody has already, in whatever case."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r}: somebody has this name")
        self.name = name


class ReviewRefused(TransitmapError):
    """Somebody may not decide this, or not now; `reason` says why (see `transitmap.review`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RollbackRefused(TransitmapError):
    """An earlier feed cannot hold again; `reason` is no_such_feed, holds_already, withdrawn or overtaken."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class CampaignRefused(TransitmapError):
    """A campaign cannot be made or take a step; `reason` is a code of `points.campaigns.refusal`, or `taken`,
    somebody has that address."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class SnapshotRefused(TransitmapError):
    """A snapshot is not to be believed; `reason` is format, signature, board, seal or key."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class PayoutRefused(TransitmapError):
    """A prize stays as it is; `reason` is missing, role, own, twice, state, held or note."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class BackupDamaged(TransitmapError):
    """A copy cannot be restored: what in it, and how it differs from what was written."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(f"backup {what}: {detail}")
        self.what = what


class BooksWrong(TransitmapError):
    """Books have flaws: what follows from them proves nothing."""

    def __init__(self, name: str, n_flaws: int, first: str) -> None:
        super().__init__(f"{name}: {n_flaws} flaws, the first: {first}")
        self.n_flaws = n_flaws


class NothingToPublish(TransitmapError):
    """Of `n_rides` none gives a pattern with times that `min_riders` people rode, and no feed holds."""

    def __init__(self, n_rides: int, min_riders: int) -> None:
        what = f"no pattern with times that {min_riders} riders rode"
        super().__init__(f"nothing to publish yet: {n_rides} rides, {what}")
        self.n_rides = n_rides


class RidesWithdrawn(TransitmapError):
    """Some of the `n_rides` that a feed was made of were erased meanwhile: it must not hold."""

    def __init__(self, n_rides: int) -> None:
        super().__init__(f"some of {n_rides} rides were erased while a feed was made of them; try again")
        self.n_rides = n_rides


class FeedInvalid(TransitmapError):
    """A feed has notices of severity error; `notices` holds them all."""

    def __init__(self, notices: Sequence[Any]) -> None:
        super().__init__(f"{len(notices)} notices, first: {notices[0] if notices else 'none'}")
        self.notices = list(notices)


class DiskFailed(Exception):
    """A sync failed: what was written may be lost, and a second sync would not say so. End the process."""

    def __init__(self, where: str) -> None:
        super().__init__(f"a sync of the {where} failed")
