"""What became of change files: which lines stand in one already, and what the answers say. A line is known by its reference.

Reading one answer is `acknowledgements`; folders and references are `file_drops`.
"""

from __future__ import annotations

import glob
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hrorch_pipelines.stack.file_writing import FileWrite
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.writing import file_drops as drops
from hrorch_pipelines.systems.writing.acknowledgements import Told, told_by, verdict
from hrorch_pipelines.systems.writing.errors import fault
from hrorch_pipelines.systems.writing.file_layouts import key_room
from hrorch_pipelines.systems.writing.protocol import Answer, WriteFault

_WORDS = re.compile(r"\\\{(?:date|time|batch)\\\}")


@dataclass(frozen=True)
class Traces:
    """The change files and answers of one layout. `secret` proves references."""

    layout: FileWrite
    folders: drops.Drops
    secret: bytes = field(repr=False)

    @property
    def pattern(self) -> str:
        """Where change files go, with `{date}`, `{time}` and `{batch}`."""
        return drops.drop_pattern(self.layout.drop, "csv" if self.layout.format == "csv" else "txt")

    def reference(self, name: str, key: str) -> str:
        """What stands for a write in the change file `name`."""
        return drops.reference_of(self.secret, drops.stem_of(name), key, key_room(self.layout))

    def owns(self, name: str) -> bool:
        """Whether change files of this layout are called so."""
        named = re.escape(self.pattern.rpartition("/")[2])
        return re.fullmatch(_WORDS.sub(".+", named), name) is not None

    def sent_before(self, keys: Sequence[str]) -> dict[str, str]:
        """Key → change file, for lines that stand in a file dropped before or in an answer to one.

        A vendor who takes files away and answers much later leaves no trace meanwhile. Without a column `{reference}` a
        file is known by its batch alone.
        """
        if not keys:
            return {}
        if not any("reference" in one.words for one in self.layout.layout):
            standing = self.folders.find(drops.filled(self.pattern, drops.batch_of(keys), None))
            return dict.fromkeys(keys, PurePosixPath(standing[-1][0]).name) if standing else {}
        heads = {key: drops.key_part(key, key_room(self.layout)).lower() for key in keys}
        found: dict[str, str] = {}
        for name, text in self._texts():
            for key, head in heads.items():
                if key not in found and head in text and self.reference(name, key).lower() in text:
                    found[key] = name
        return found

    def answers(self, name: str, keys: Iterable[str]) -> dict[str, Answer | WriteFault]:
        """What all answers to one change file say about these of its writes. Raises WriteFault `not_done`."""
        told = self._told(name)
        return {
            key: verdict(told, self.reference(name, key), name) if told else Answer("pending", reference=name)
            for key in keys
        }

    def _texts(self) -> Iterable[tuple[str, str]]:
        """(change file, text) of change files and of answers, the text in lower case."""
        for name, content in self.folders.contents(drops.filled(self.pattern, "*", None)):
            yield name, content.decode(self.layout.encoding, "replace").lower()
        if self.layout.acknowledgement is not None:
            encoding = self.layout.answer.encoding or "utf-8"
            for name, content in self.folders.contents(self.layout.acknowledgement.replace("{name}", "*")):
                yield self._answered(name), content.decode(encoding, "replace").lower()

    def _answered(self, answer: str) -> str:
        """The change file that an answer of this name is about."""
        before, _, after = str(self.layout.acknowledgement).rpartition("/")[2].partition("{name}")
        found = re.fullmatch(f"{_loosely(before)}(.+?){_loosely(after)}", answer)
        return f"{found[1] if found else answer}{PurePosixPath(self.pattern).suffix}"

    def _told(self, name: str) -> list[Told]:
        if self.layout.acknowledgement is None:
            return []
        stem, told = drops.stem_of(name), list[Told]()
        pattern = self.layout.acknowledgement.replace("{name}", glob.escape(stem))
        with tempfile.TemporaryDirectory() as scratch:
            for number, (path, _) in enumerate(self.folders.find(pattern)):
                folder = Path(scratch) / str(number)
                folder.mkdir()
                try:
                    local = self.folders.fetch(pattern, path, folder)
                except ReadFault as wrong:
                    if wrong.code in {"changing_file", "no_file"}:
                        continue  # still being written, or taken away: asked again later
                    raise fault(wrong.code, "an answer could not be fetched", "not_done") from None
                one = told_by(self.layout, local, folder, lambda line: drops.is_ours(self.secret, stem, line))
                told += [one] if one else []
        return told


def _loosely(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*")
