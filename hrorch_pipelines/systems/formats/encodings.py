"""Brings a text file to UTF-8, whatever it was written in, and refuses what is no text. Meaning is for the formats."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.raw import Problem

CHUNK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = {
    b"PK\x03\x04": "a ZIP or XLSX file",
    b"\xd0\xcf\x11\xe0": "an old Excel (.xls) or an encrypted Office file",
    b"%PDF": "a PDF file",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file",
    b"SQLite format 3": "a SQLite database",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
_LIKELY = [
    "cp1252",
    "latin_1",
    "iso8859_15",
    "cp1250",
    "iso8859_2",
    "cp1251",
    "cp437",
    "cp850",
    "mac_roman",
    "cp932",
    "gb18030",
]


@dataclass(frozen=True)
class Utf8Text:
    """A text file as UTF-8 without byte order mark, line ends untouched."""

    path: Path
    encoding: str
    problems: tuple[Problem, ...] = ()

    def contains(self, mark: str) -> bool:
        """Whether an ASCII character occurs anywhere."""
        return any(mark.encode() in chunk for chunk in _chunks(self.path))


def as_utf8(source: Path, declared: str | None, scratch: Path) -> Utf8Text:
    """The file as UTF-8: itself where it already is, else converted into `scratch`.

    Raises ReadFault: `empty_file`, `binary_file`, `wrong_encoding` (naming the byte).
    """
    with source.open("rb") as file:
        head = file.read(1 << 16)
    if not head.strip():
        raise ReadFault("empty_file", "the file is empty")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise ReadFault("binary_file", f"the file is {what}")
    if declared is not None:
        return _converted(source, _known(declared), scratch, ())
    marked = next((name for bom, name in _BOMS if head.startswith(bom)), None) or _unmarked_utf16(head)
    if marked is not None:
        return _converted(source, marked, scratch, ())
    controls = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    if controls > len(head) / 20 and head.count(0) != controls:
        raise ReadFault("binary_file", "the file is not text")
    if _is_utf8(source):
        return Utf8Text(source, "utf-8")
    guess = _guessed(source)
    note = Problem("encoding_guessed", f"not UTF-8; read as {guess}: set `encoding` to make sure", fatal=False)
    return _converted(source, guess, scratch, (note,))


def _converted(source: Path, encoding: str, scratch: Path, problems: tuple[Problem, ...]) -> Utf8Text:
    if codecs.lookup(encoding).name == "utf-8" and _is_utf8(source):
        encoding = "utf-8-sig" if source.open("rb").read(3) == codecs.BOM_UTF8 else "utf-8"
        if encoding == "utf-8":
            return Utf8Text(source, encoding, problems)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    done = 0
    with scratch.open("wb") as out:
        try:
            for chunk in _chunks(source):
                out.write(decoder.decode(chunk).encode("utf-8"))
                done += len(chunk)
            out.write(decoder.decode(b"", final=True).encode("utf-8"))
        except UnicodeError as error:
            place = done + (error.start if isinstance(error, UnicodeDecodeError) else 0)
            raise ReadFault("wrong_encoding", f"the file is not {encoding}: byte {place} does not fit") from None
    return Utf8Text(scratch, encoding, problems)


def _known(declared: str) -> str:
    try:
        return codecs.lookup(declared).name
    except LookupError:
        raise ReadFault("wrong_encoding", f"`encoding: {declared}` is not one that Python knows") from None


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark: Latin text has a zero in every second byte."""
    half = len(head) // 2
    if head[1::2].count(0) > half * 0.6 and head[::2].count(0) < half * 0.1:
        return "utf-16-le"
    if head[::2].count(0) > half * 0.6 and head[1::2].count(0) < half * 0.1:
        return "utf-16-be"
    return None


def _is_utf8(source: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for chunk in _chunks(source):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _guessed(source: Path) -> str:
    """The likeliest one-byte or Asian encoding, judged by the lines that are not ASCII; cp1252 where it does as well."""
    from charset_normalizer import from_bytes

    sample = bytearray()
    with source.open("rb") as file:
        for line in file:
            if not line.isascii():
                sample += line[:2000]
            if len(sample) > 200_000:
                break
    found = from_bytes(bytes(sample), cp_isolation=_LIKELY, threshold=0.5)
    best = found.best()
    if best is None:
        raise ReadFault("wrong_encoding", "the file is not UTF-8, and what else it may be cannot be told")
    western = next((match for match in found if match.encoding in {"cp1252", "latin_1"}), None)
    if western is not None and western.chaos <= best.chaos + 0.05 and _decodes(bytes(sample), "cp1252"):
        return "cp1252"
    return str(best.encoding)


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
