"""Folders that change files are dropped into and answers are fetched from: names, one rename per file, what lies there.

What is in the files is for `file_layouts` and `acknowledgements`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from hrorch_pipelines.stack.systems import System
from hrorch_pipelines.storage.durable import sync_folder
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.file_places import Place, explained, opened
from hrorch_pipelines.systems.writing.errors import fault
from hrorch_pipelines.systems.writing.protocol import Outcome

SEARCHED = 400
"""Files looked through for rows that were sent before: the newest ones."""
_PROOF = 6
_LONGEST_KEY = 32
_SHORTEST_KEY = 8


class Drops:
    """The folders of one system, each connected once and again after it broke. `folder` is the stack file's."""

    def __init__(self, system: System, folder: Path) -> None:
        self.system, self.folder = system, folder
        self._places: dict[str, tuple[Place, ExitStack]] = {}
        self._texts: dict[tuple[str, Any], bytes] = {}

    def put(self, pattern: str, content: bytes) -> None:
        """Write a file under `.part`, then give it its name, which no other file may have. Raises WriteFault about all of it."""
        url, path = apart(pattern)
        named = False
        try:
            place = self._place(url)
            with explained():
                final = f"{place.root.rstrip('/')}/{path}"
                part = f"{final}.part"
                _write(place.fs, part, content)
                named = True
                _name(place.fs, part, final)
        except ReadFault as wrong:
            self._forget(url)
            stands = self._standing(url, path) if named else "unnamed"
            if stands == "named":
                return
            outcome: Outcome = "not_done" if stands == "unnamed" else "unknown"
            raise fault(wrong.code, "the change file could not be dropped", outcome) from None

    def find(self, pattern: str) -> list[tuple[str, Any]]:
        """(path there, state) of the finished files of a pattern, oldest first. Raises WriteFault `not_done`."""
        url, path = apart(pattern)
        try:
            place = self._place(url)
            with explained():
                place.fs.invalidate_cache()
                found = [(one, place.fs.info(one)) for one in place.matching(path)]
        except ReadFault as wrong:
            self._forget(url)
            raise fault(wrong.code, "the folder could not be looked at", "not_done") from None
        moments = ((one, _moment(info), info.get("size")) for one, info in found)
        return [(one, (moment, size)) for one, moment, size in sorted(moments, key=lambda row: (str(row[1]), row[0]))]

    def fetch(self, pattern: str, path: str, into: Path) -> Path:
        """Copy one found file here. Raises ReadFault when it is still being written."""
        place = self._place(apart(pattern)[0])
        with explained():
            place.fs.invalidate_cache()
            return place.fetch(path, into)

    def contents(self, pattern: str) -> Iterable[tuple[str, bytes]]:
        """(name, bytes) of the newest finished files of a pattern, each fetched once. Raises WriteFault `not_done`."""
        url, _ = apart(pattern)
        for path, state in self.find(pattern)[-SEARCHED:]:
            if (path, state) not in self._texts:
                try:
                    place = self._place(url)
                    with explained():
                        self._texts[path, state] = place.fs.cat_file(path)
                except ReadFault as wrong:
                    if wrong.code == "no_file":
                        continue  # taken away between the look and the fetch; whoever took it answers
                    self._forget(url)
                    raise fault(wrong.code, "a file sent before could not be looked at", "not_done") from None
            yield PurePosixPath(path).name, self._texts[path, state]

    def close(self) -> None:
        """Give the connections back."""
        for url in list(self._places):
            self._forget(url)

    def _standing(self, url: str, path: str) -> Literal["named", "unnamed", "unknown"]:
        """What came of a file whose naming broke. Where neither name stands, somebody may have taken it already."""
        try:
            place = self._place(url)
            with explained():
                place.fs.invalidate_cache()
                final = f"{place.root.rstrip('/')}/{path}"
                if place.fs.exists(final):
                    return "named"
                return "unnamed" if place.fs.exists(f"{final}.part") else "unknown"
        except ReadFault:
            self._forget(url)
            return "unknown"

    def _place(self, url: str) -> Place:
        if url not in self._places:
            system = self.system.model_copy(update={"base_url": url}) if url else self.system
            with ExitStack() as entered:
                place = entered.enter_context(opened(system, self.folder))
                self._places[url] = place, entered.pop_all()
        return self._places[url][0]

    def _forget(self, url: str) -> None:
        _, entered = self._places.pop(url, (None, None))
        if entered is not None:
            entered.close()


def apart(pattern: str) -> tuple[str, str]:
    """Folder URL (empty: the system's own) and path in it: `sftp://host/in/x_{batch}.csv` → `sftp://host/in`, `x_{batch}.csv`."""
    if "://" not in pattern and not pattern.startswith("/"):
        return "", pattern
    url, _, name = pattern.rpartition("/")
    return url, name


def drop_pattern(drop: str, ending: str) -> str:
    """The pattern of change files; a `drop` that names only a folder gets a name."""
    if "{batch}" in drop.rpartition("/")[2]:
        return drop
    return f"{drop.rstrip('/')}/hrorch_{{date}}_{{batch}}.{ending}"


def filled(pattern: str, batch: str, moment: datetime | None) -> str:
    """The pattern with its words; `moment` None: any date and time, for looking."""
    day = moment.strftime("%Y-%m-%d") if moment else "*"
    time = moment.strftime("%H%M%S") if moment else "*"
    return pattern.replace("{date}", day).replace("{time}", time).replace("{batch}", batch)


def batch_of(keys: Iterable[str]) -> str:
    """The same writes give the same batch, whenever they are sent."""
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16]


def stem_of(name: str) -> str:
    """A file's name without folder and ending: `{name}` of the acknowledgement."""
    return PurePosixPath(name).stem


def reference_of(secret: bytes, stem: str, key: str, room: int | None) -> str:
    """What stands for a write in a file: the beginning of its key, and six letters that prove it ours and of that file.

    An answer that names a line we did not send is thereby known without remembering what was sent. `room`: the width of
    its column. Raises WriteFault `unwritable` when that leaves too little of the key.
    """
    head = key_part(key, room)
    if len(head) < min(_SHORTEST_KEY, len(key)):
        raise fault("reference_width", "the column of `{reference}` is too narrow: 15 at least", "unwritable")
    return f"{head}-{_proof(secret, stem, head)}"


def key_part(key: str, room: int | None) -> str:
    """The beginning of a key that stands in a reference."""
    return key[: min(_LONGEST_KEY, len(key) if room is None else max(0, room - _PROOF - 1))]


def is_ours(secret: bytes, stem: str, reference: str) -> bool:
    """Whether this line was in that change file of ours."""
    head, _, proof = reference.strip().rpartition("-")
    return hmac.compare_digest(proof.lower().encode(), _proof(secret, stem, head).encode())


def _proof(secret: bytes, stem: str, head: str) -> str:
    return hmac.new(secret, f"file\n{stem}\n{head}".encode(), "sha256").hexdigest()[:_PROOF]


def _write(fs: Any, path: str, content: bytes) -> None:
    if _is_local(fs):
        with Path(path).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    else:
        with fs.open(path, "wb") as file:
            file.write(content)
    fs.invalidate_cache()
    if fs.info(path)["size"] != len(content):
        raise OSError("the file is shorter than what was written")


def _name(fs: Any, part: str, final: str) -> None:
    if hasattr(fs, "ftp"):
        fs.ftp.rename(part, final)  # SFTP's own rename, which refuses to replace a file
    elif _is_local(fs):
        Path(part).rename(final)
        sync_folder(Path(final).parent)
    else:
        fs.mv(part, final)


def _is_local(fs: Any) -> bool:
    return "file" in (fs.protocol if isinstance(fs.protocol, tuple | list) else (fs.protocol,))


def _moment(info: dict[str, Any]) -> Any:
    found = info.get("mtime") or info.get("LastModified") or info.get("modified") or 0
    return found.timestamp() if isinstance(found, datetime) else found
