"""The key of an installation, with which it signs what must not change: the only door to cryptography."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transitmap.archive import Archive
from transitmap.errors import SnapshotRefused
from transitmap.keys import secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from sqlalchemy.orm import Session

SIGNING_KEY = "signing_key"
"""The name of the private key among the secrets of an installation."""


def signing_key(session: Session, archive: Archive) -> bytes:
    """The private key of this installation, 32 bytes; where it is made the session is committed."""
    return secret(session, archive, SIGNING_KEY, _new_key)


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
