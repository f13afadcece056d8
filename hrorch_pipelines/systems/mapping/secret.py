"""Secrets: only a keyed hash leaves the source. A plain hash of a nine-digit number is guessed in a second; this is not."""

from __future__ import annotations

import hashlib

from hrorch_pipelines.systems.mapping.cells import Cell
from hrorch_pipelines.systems.mapping.codes import FaultCode
from hrorch_pipelines.systems.mapping.statement import Statement
from hrorch_pipelines.systems.mapping.text import nfc

_BLOCK = 64  # bytes in a block of SHA-256


def convert_secret(statement: Statement, cell: Cell, key: bytes) -> None:
    """SECRET → HMAC-SHA-256 (RFC 2104) of the letters and digits alone, upper case, as 64 hexadecimal digits.

    Signs and spaces do not count: `123-45-6789` and `123456789` are one number. A text without any is a fault.
    """
    letters = rf"regexp_replace(upper({nfc(cell.text)}), '[^\pL\pN]+', '', 'g')"
    normal = statement.add("shapes", cell.column("normal"), f"nullif({letters}, '')")
    inner, outer = (statement.bind(pad) for pad in _pads(key))
    cell.value = f"sha256({outer}::BLOB || unhex(sha256({inner}::BLOB || encode({normal}))))"
    cell.fail(f"{cell.has_text()} AND {normal} IS NULL", FaultCode.UNREADABLE)


def _pads(key: bytes) -> tuple[bytes, bytes]:
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
