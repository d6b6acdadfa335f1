"""Passwords: argon2id with 19 MiB, two passes, one lane (OWASP's first choice), some 70 ms a check."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from argon2 import PasswordHasher

Made = TypeVar("Made")
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
MIN_CHARS = 8
MAX_CHARS = 200
MAX_GUESSED_CHARS = 72  # zxcvbn takes seconds for long ones, and those are not guessed
AT_ONCE = 4
"""So many are hashed at a time in one process; whoever comes then waits."""


def hash_password(password: str) -> str:
    """The hash to store: 97 ASCII characters that carry their own parameters and salt."""
    return _in_turn(_hasher().hash, password)


def check_password(password_hash: str, password: str) -> bool:
    """Whether the password belongs to the hash; an empty hash (no such rider) costs the same time."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        is_right = _in_turn(_hasher().verify, password_hash or _nobodys_hash(), password)
        return is_right and password_hash != ""
    except (VerificationError, InvalidHashError):
        return False


def is_guessable(password: str, name: str) -> bool:
    """Whether a patient stranger finds it: within some million tries, the name of its rider among them."""
    from zxcvbn import zxcvbn

    return bool(zxcvbn(password[:MAX_GUESSED_CHARS], user_inputs=[name, "transitmap"])["score"] < 2)


def _in_turn(work: Callable[..., Made], *given: str) -> Made:
    """What `work` makes, by threads of its own: of every thread that ever hashed, malloc keeps the 19 MiB."""
    return _crew(os.getpid()).submit(work, *given).result()


@cache
def _crew(process_id: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, "argon2")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


@cache
def _nobodys_hash() -> str:
    return hash_password("nobody has this password")
