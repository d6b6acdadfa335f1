"""Untrusted XML as events: expat with hard limits, without any DTD, in the encodings that phones write."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from mmap import mmap
from typing import NamedTuple
from xml.parsers import expat

from transitmap.config import CollectConfig
from transitmap.errors import UploadRefused

CHUNK_BYTES = 1 << 18
MAX_TOKEN_BYTES = 4 << 20
_PROLOG_BYTES = 1 << 16
_UTF8_MARK = b"\xef\xbb\xbf"
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,100}?encoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9._-]{1,40})[\"']")
_CODEC = re.compile(
    r"iso-?8859-\d{1,2}|latin-?\d|(windows-|cp)125\d|koi8-[ru]|gbk|gb2312|gb18030|big5|shift_jis|euc-(jp|kr)"
)
_ENCODING_ERRORS = (
    expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING],
    expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING],
)

Body = bytes | mmap
"""A whole file, in memory or mapped from disk: it is read piece by piece and never copied whole."""


class XmlText(NamedTuple):
    """A file and the encoding to force on it; without one the parser tells UTF-8 from UTF-16."""

    body: Body
    encoding: str | None
    warnings: frozenset[str]


def in_one_encoding(body: Body) -> XmlText:
    """The file as UTF-8 wherever it can be that, whatever it declares.

    Raises:
        UploadRefused: `bad_encoding`; `doctype_forbidden` in the prolog, before anything long is done.
    """
    declared = _DECLARED.match(body[:256].removeprefix(_UTF8_MARK))
    label = declared[1].decode().lower() if declared else "utf-8"
    if label == "utf-8":
        return XmlText(body, None, frozenset())
    _refuse_doctype(body[:_PROLOG_BYTES])
    is_utf8, is_ascii = _is_text(body, "utf-8"), _is_text(body, "ascii")
    if is_utf8:
        mismatch = not is_ascii or label.startswith("utf")
        return XmlText(body, "utf-8", frozenset(["encoding_mismatch"] if mismatch else []))
    if not _CODEC.fullmatch(label):
        raise UploadRefused("bad_encoding", f"encoding {label} is not known; save the file as UTF-8")
    try:
        return XmlText(b"".join(_pieces_in(body, label)), "utf-8", frozenset())
    except (UnicodeDecodeError, LookupError) as error:
        raise UploadRefused("bad_encoding", f"the text is not {label}; save the file as UTF-8") from error


def _refuse_doctype(head: bytes) -> None:
    """Refuses a DOCTYPE in the prolog of a file whose encoding is not told yet, for it may be long."""
    for encoding in (None, "utf-8", "iso-8859-1"):
        parser = expat.ParserCreate(encoding)
        parser.StartDoctypeDeclHandler = refuse_doctype
        try:
            parser.Parse(head, False)
        except (expat.ExpatError, LookupError, ValueError):
            continue


def _is_text(body: Body, codec: str) -> bool:
    """Whether the whole body is text in that encoding."""
    decode = codecs.getincrementaldecoder(codec)().decode
    try:
        for first in range(0, len(body), CHUNK_BYTES):
            decode(body[first : first + CHUNK_BYTES], first + CHUNK_BYTES >= len(body))
    except UnicodeDecodeError:
        return False
    return True


def _pieces_in(body: Body, codec: str) -> Iterator[bytes]:
    """The body in UTF-8, piece by piece."""
    decode = codecs.getincrementaldecoder(codec)().decode
    for first in range(0, len(body), CHUNK_BYTES):
        yield decode(body[first : first + CHUNK_BYTES], first + CHUNK_BYTES >= len(body)).encode()


def refuse_doctype(name: str, *_: object) -> None:
    """What a parser calls at a DOCTYPE: entities are never declared, so none is ever expanded."""
    if name.lower() == "html":
        raise UploadRefused("not_a_trace", "a web page, expected GPX, KML or TCX")
    raise UploadRefused("doctype_forbidden", "the file declares a DOCTYPE; a trace needs none")


def pieces_of(body: Body) -> Iterator[bytes]:
    """The body in pieces that end with a tag where there is one."""
    first = 0
    while first < len(body):
        last = body.rfind(b">", first, first + CHUNK_BYTES) + 1 or first + CHUNK_BYTES
        yield body[first:last]
        first = last


class _LocalNames(dict[str, str]):
    """`gpx:trkpt` and `trkpt` to `trkpt`, each split once."""

    def __missing__(self, name: str) -> str:
        local = self[name] = name.rpartition(":")[2]
        return local


class XmlReader:
    """Tells of each element that opens and of the text of each leaf that is wanted, by local names.

    `opened(name, attributes, depth)` gets attributes as names and values in turn. `told(name, parent, text)`
    gets the text of an element of `leaves` up to its end or its first child. `path` holds the names of the
    open elements in its first `depth` places. `instructed` gets the instructions, where it is set.
    """

    def __init__(
        self,
        config: CollectConfig,
        root: str,
        leaves: frozenset[str],
        opened: Callable[[str, list[str], int], None],
        told: Callable[[str, str, str], None],
    ) -> None:
        self.root, self.leaves, self.opened, self.told = root, leaves, opened, told
        self.max_depth, self.max_attributes = config.max_depth, config.max_attributes
        self.local, self.path = _LocalNames(), [""] * (config.max_depth + 1)
        self.text: list[str] = []
        self.depth, self.leaf = 0, -1
        self.instructed: Callable[[str, str], None] | None = None
        self.parser = expat.ParserCreate()

    def read(self, text: XmlText, pieces: Iterable[bytes] | None = None) -> None:
        """Feeds the text piece by piece, so that one endless token cannot be scanned again and again.

        Raises:
            UploadRefused: `xml_syntax` (with line and column), `bad_encoding`, `doctype_forbidden`,
                `not_a_trace` (another root), `too_deep`, `too_many_attributes`.
        """
        self.parser = parser = self._parser(text.encoding)
        fed = 0
        try:
            for piece in pieces_of(text.body) if pieces is None else pieces:
                parser.Parse(piece, False)
                fed += len(piece)
                if fed - parser.CurrentByteIndex > MAX_TOKEN_BYTES:
                    raise self.refusal("xml_syntax", f"one token is longer than {MAX_TOKEN_BYTES} bytes")
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise _syntax_refusal(error, text.body) from error
        except (LookupError, ValueError) as error:  # what expat asks Python for: codecs it has not itself
            raise UploadRefused("bad_encoding", f"{error}; save the file as UTF-8") from error

    def _parser(self, encoding: str | None) -> expat.XMLParserType:
        parser = expat.ParserCreate(encoding)
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartDoctypeDeclHandler = refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.text.append
        if self.instructed is not None:
            parser.ProcessingInstructionHandler = self._instruct
        return parser

    def _instruct(self, target: str, text: str) -> None:
        if self.leaf >= 0:
            self.tell()
        if self.instructed is not None:
            self.instructed(target, text)

    def _start(self, name: str, attributes: list[str]) -> None:
        depth = self.depth
        if self.leaf >= 0:
            self.tell()
        if depth >= self.max_depth or len(attributes) > 8:
            self.check_limits(depth, attributes)
        name = self.path[depth] = self.local[name]
        self.depth = depth + 1
        self.text.clear()
        if not depth and name != self.root:
            expected = "GPX, KML or TCX"
            raise UploadRefused("not_a_trace", f"an XML file of {name[:40]!r}, expected {expected}")
        if name in self.leaves:
            self.leaf = depth
        else:
            self.opened(name, attributes, depth)

    def _end(self, name: str) -> None:
        self.depth -= 1
        if self.leaf >= 0:
            self.tell()

    def tell(self) -> None:
        """Hands over the text of the open leaf."""
        leaf, self.leaf = self.leaf, -1
        parent = self.path[leaf - 1] if leaf else ""
        self.told(self.path[leaf], parent, "".join(self.text).strip(" \t\r\n"))

    def check_limits(self, depth: int, attributes: list[str]) -> None:
        """Refuses an element at that depth with those attributes where either is too much."""
        if depth >= self.max_depth:
            raise self.refusal("too_deep", f"elements nested deeper than {self.max_depth}")
        if len(attributes) > 2 * self.max_attributes:
            detail = f"{len(attributes) // 2} attributes on one element, at most {self.max_attributes}"
            raise self.refusal("too_many_attributes", detail)

    def refusal(self, reason: str, detail: str) -> UploadRefused:
        """A refusal that names the place the parser has come to."""
        parser = self.parser
        return UploadRefused(reason, detail, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)


def _syntax_refusal(error: expat.ExpatError, body: Body) -> UploadRefused:
    """Broken XML, or text that is not in its encoding."""
    line, column = error.lineno, error.offset + 1
    codec = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    if error.code in _ENCODING_ERRORS or not _is_text(body, codec):
        return UploadRefused("bad_encoding", "the text is not in the encoding it declares", line, column)
    message = f"line {line}, column {column}: {expat.ErrorString(error.code)}"
    return UploadRefused("xml_syntax", message, line, column)
