"""LDIF (RFC 2849) by ldif3: one record per entry; `dn` is a text, every attribute a list (`mail[0]`)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ldif3 import LDIFParser

from hrorch_pipelines.stack.systems import FileRead
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.formats.encodings import as_utf8
from hrorch_pipelines.systems.formats.parsed import Parsed, write_nested
from hrorch_pipelines.systems.raw import Problem


def parse(source: Path, read: FileRead, out: Path) -> Parsed:
    """Read the entries of an LDIF file. Binary values (photos) become their base64. Raises ReadFault."""
    text = as_utf8(source, read.encoding, out.with_suffix(".utf8"))
    problems = list(text.problems)
    if not _ends_a_line(text.path):
        problems.append(Problem("cut_file", "the file ends in the middle of a line"))

    def records() -> Iterator[dict[str, Any]]:
        with text.path.open("rb") as file:
            parser = _Parser(file, line_sep=b"\n")
            try:
                for dn, entry in parser.parse():
                    if dn is None and not entry:
                        continue
                    if "changetype" in entry:
                        raise ReadFault("wrong_format", "the file holds change records, not entries")
                    yield {"dn": dn, **{name: [_text(value) for value in values] for name, values in entry.items()}}
            except (ValueError, binascii.Error):
                problems.append(Problem("bad_line", f"the entry that ends near line {parser.line_counter} is not LDIF"))

    count = write_nested(out, records())
    if count == 0 and not any(problem.fatal for problem in problems):
        raise ReadFault("wrong_format", "the file holds no LDIF entry")
    return Parsed("nested", count, problems=tuple(problems), encoding=text.encoding)


class _Parser(LDIFParser):  # type: ignore[misc]
    """ldif3 3.2 calls `base64.decodestring`, which Python 3.9 removed; only that line is ours."""

    def _parse_attr(self, line: bytes) -> Any:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError("no colon")
        if not value.startswith(b":"):
            return super()._parse_attr(line)
        return self._decode_value(name.decode("ascii"), base64.b64decode(value[1:].strip(), validate=True))


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _text(value: str | bytes) -> str:
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
