"""JSON that nobody vouches for: bounded, without NaN, and with the place of what is wrong."""

from __future__ import annotations

from typing import Any

from transitmap.errors import UploadRefused

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"
_NO_ROOM = "Not enough memory"
"""How orjson says so: with the exception that it has for damaged text."""


def read_json(body: bytes) -> Any:
    """What the text says; UTF-8 with or without its mark, or UTF-16 with it.

    NaN, infinities, numbers beyond doubles, lone surrogates and nesting beyond 1024 are errors.

    Raises:
        MemoryError: a big text in a process with little room; the text may be sound.
        UploadRefused: `bad_json` with line and column, `json_cut` where the end is missing, `bad_encoding`.
    """
    import orjson

    try:
        text = (
            body.decode("utf-16").encode() if body.startswith(UTF16_MARKS) else body.removeprefix(UTF8_MARK)
        )
    except UnicodeError as error:
        raise UploadRefused("bad_encoding", "the text is not the UTF-16 that it begins as") from error
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if _NO_ROOM in error.msg:
            raise MemoryError(error.msg) from error
        if text and not error.doc:
            raise UploadRefused("bad_encoding", "the text is not UTF-8; save it as UTF-8") from error
        is_cut = error.pos >= len(error.doc.rstrip())
        reason, words = ("json_cut", "it ends before its end") if is_cut else ("bad_json", "it is damaged")
        raise UploadRefused(reason, f"{words}: {error.msg}", error.lineno, error.colno) from error
