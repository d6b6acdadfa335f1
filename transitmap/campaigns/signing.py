"""The key of an installation, with which it signs what must not change: the only door to cryptography."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transitmap import store
from transitmap.archive import Archive
from transitmap.errors import SnapshotRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from sqlalchemy.orm import Session

SIGNING_KEY = "signing_key"
"""The fact that names the private key's place in the archive, as that of the key of segments."""


def signing_key(session: Session, archive: Archive) -> bytes:
    """The private key of this installation, 32 bytes; made at its first use, kept in the archive.

    Where it is made the session is committed: a signature must not outlive its key.
    """
    sha256 = store.fact(session, SIGNING_KEY)
    if sha256 is None:
        store.lock_ledger(session)
        sha256 = store.fact(session, SIGNING_KEY)
    if sha256 is None:
        sha256 = archive.put(_new_key())
        store.set_fact(session, SIGNING_KEY, sha256)
        session.commit()
    return archive.get(sha256)


def _new_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw()


def sign(body: bytes, key: bytes) -> str:
    """The Ed25519 signature of a body in hexadecimal digits. Source: RFC 8032."""
    return _private(key).sign(body).hex()


def public_pem(key: bytes) -> bytes:
    """The public half of a private key, as a PEM file (RFC 8410) that openssl reads."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return _private(key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _private(key: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(key)


def is_signed(body: bytes, signature: bytes, pem: bytes) -> bool:
    """Whether the holder of a public key's other half signed these very bytes.

    Raises:
        SnapshotRefused: `key`, the PEM is no public key of Ed25519.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SnapshotRefused("key", f"{len(pem)} bytes that are no public key in PEM") from error
    if not isinstance(public, Ed25519PublicKey):
        raise SnapshotRefused("key", "a public key, but none of Ed25519")
    try:
        public.verify(signature, body)
    except InvalidSignature:
        return False
    return True
