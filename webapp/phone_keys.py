"""Keys of phones, and links that hand one over for a quarter of an hour without holding it.

A key is the HMAC, under the installation's secret, of a number drawn for it. A link carries the signed
number: whoever reads it in a log has no key and, after a quarter of an hour, no way to ask for one. The
database has the key's hash. Nothing else is kept.
"""

from __future__ import annotations

import hashlib
import secrets

from itsdangerous import BadData, Signer, URLSafeTimedSerializer

LINK_LASTS_S = 900
KEY_SALT = "transitmap.phone-key"
LINK_SALT = "transitmap.phone-link"


def draw() -> str:
    """A number of 256 random bits, from which a key follows."""
    return secrets.token_urlsafe(32)


def key_of(secret: str, number: str) -> str:
    """The device key that follows from a number."""
    signer = Signer(secret, salt=KEY_SALT, key_derivation="hmac", digest_method=hashlib.sha256)
    return "tm_" + signer.get_signature(number).decode()


def write_link(secret: str, number: str, way: str) -> str:
    """What a link carries that sets a phone up in this way."""
    return str(_serializer(secret).dumps([number, way]))


def read_link(secret: str, carried: str) -> tuple[str, str] | None:
    """The key and the way of such a link; None for one that is old, foreign or changed."""
    try:
        number, way = _serializer(secret).loads(carried, max_age=LINK_LASTS_S)
    except BadData:
        return None
    return key_of(secret, str(number)), str(way)


def _serializer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        secret, salt=LINK_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
