"""The secrets of an installation: each made at its first use, kept in the archive, named by a fact."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from transitmap import store
from transitmap.archive import Archive

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SEGMENT_KEY = "segment_key"


def segment_key(session: Session, archive: Archive) -> bytes:
    """The secret that this installation hashes segments with."""
    return secret(session, archive, SEGMENT_KEY, lambda: os.urandom(64))


def secret(session: Session, archive: Archive, name: str, make: Callable[[], bytes]) -> bytes:
    """The secret of that name; where there is none yet it is what `make` gives, and the session is committed:
    nothing that was hashed or signed with a secret may outlive it.
    """
    sha256 = store.fact(session, name)
    if sha256 is None:
        store.lock_ledger(session)
        sha256 = store.fact(session, name)
    if sha256 is None:
        sha256 = archive.put(make())
        store.set_fact(session, name, sha256)
        session.commit()
    return archive.get(sha256)
