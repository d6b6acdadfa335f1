"""Named bytes -> a zip that is the same every time."""

from __future__ import annotations

import io
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(members: dict[str, bytes]) -> bytes:
    """Members sorted, with a fixed date and fixed permissions."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in sorted(members):
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, members[name])
    return body.getvalue()
