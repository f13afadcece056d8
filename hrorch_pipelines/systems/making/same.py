"""Whether a record that is there is the one to be made: by the stack's matching keys, and by the values that confirm them.

Stricter than matching after a snapshot: what is doubtful here is asked about, neither made again nor taken for the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.rules import MatchKey
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.systems.making.protocol import Seen
from hrorch_pipelines.systems.writing.proof import meaning, near
from hrorch_pipelines.systems.writing.remap import Mapped

Level = Literal["agrees", "differs", "missing", "untold"]
"""`missing`: one side has nothing. `untold`: the system withholds it, or it cannot be read."""


class Likeness(IntEnum):
    """What one record is to the wanted one, by what it means for making it."""

    OTHER = 0
    NAMESAKE = 1  # no key tells, but what is known agrees
    SAME = 2
    CONTRADICTED = 3  # a key agrees, and what should confirm it does not: twins with one mailbox, father and son


@dataclass(frozen=True)
class _Record:
    """One record as far as it is compared: folded values, and what cannot be told."""

    values: Mapping[str, str] = field(repr=False)
    untold: frozenset[str]


class Namesakes:
    """The living base records of a system, to be asked for those that may be the wanted one.

    `attributes` are all that are compared; only these are kept, folded.
    """

    def __init__(self, stack: Stack, system: str, record: str) -> None:
        mapped = set(stack.systems[system].records[record].fields)
        self.keys = [key for key in stack.matching.keys if set(key.attributes) <= mapped]
        named = {name for key in self.keys for name in (*key.attributes, *key.confirm)}
        self.kinds = {name: stack.attributes[name].type for name in sorted(named & mapped)}
        self._records: dict[str, list[_Record]] = {}
        self._by_value: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._untold: set[str] = set()

    @property
    def attributes(self) -> frozenset[str]:
        """What is compared."""
        return frozenset(self.kinds)

    def put(self, rows: Iterable[Mapped]) -> None:
        """Take in rows as they are now; what was known under their ids is forgotten. Rows without an id are not kept."""
        found: dict[str, list[_Record]] = defaultdict(list)
        for row in rows:
            if row.source_id is None:
                continue
            of_id = found[row.source_id]
            if not row.deleted:
                of_id.append(self._folded(row.values, (row.hidden | row.faulty) & self.attributes))
        for source_id, records in found.items():
            self.drop(source_id)
            self._records[source_id] = records
            for record in records:
                if record.untold:
                    self._untold.add(source_id)
                for item in record.values.items():
                    self._by_value[item].add(source_id)

    def drop(self, source_id: str) -> None:
        """Forget a record."""
        for record in self._records.pop(source_id, []):
            for item in record.values.items():
                self._by_value[item].discard(source_id)
        self._untold.discard(source_id)

    def usable(self, wanted: Mapping[str, str | None]) -> list[MatchKey]:
        """The keys of which every part is known."""
        folded = self._folded(wanted, frozenset()).values
        return [key for key in self.keys if all(name in folded for name in key.attributes)]

    def look(self, wanted: Mapping[str, str | None]) -> Seen:
        """`there`, `absent` or `unclear`. Without a usable key nothing can be told."""
        keys, folded = self.usable(wanted), self._folded(wanted, frozenset())
        if not keys:
            return Seen("unclear", why="no key of `matching` is known of this person, so nothing can be looked up")
        possible = set(self._untold)
        for item in folded.values.items():
            possible |= self._by_value.get(item, set())
        found: dict[Likeness, list[str]] = defaultdict(list)
        for source_id in sorted(possible):
            likeness = max((self._likeness(keys, folded, record) for record in self._records[source_id]), default=None)
            found[likeness or Likeness.OTHER].append(source_id)
        return _seen(found)

    def likeness(self, wanted: Mapping[str, str | None], source_id: str) -> Likeness:
        """What one known record is to the wanted one. Raises KeyError for one that is not known."""
        keys, folded = self.usable(wanted), self._folded(wanted, frozenset())
        return max(
            (self._likeness(keys, folded, record) for record in self._records[source_id]), default=Likeness.OTHER
        )

    def knows(self, source_id: str) -> bool:
        """Whether a living record has this id."""
        return bool(self._records.get(source_id))

    def _likeness(self, keys: list[MatchKey], wanted: _Record, held: _Record) -> Likeness:
        levels = {name: _level(name, wanted, held) for name in self.kinds}
        same = withheld = False
        comparable = False
        for key in keys:
            parts = {levels[name] for name in key.attributes}
            comparable = comparable or parts <= {"agrees", "differs"}
            if parts == {"agrees"}:
                if any(levels.get(name) == "differs" for name in self._denying(key)):
                    return Likeness.CONTRADICTED
                same = True
            withheld = withheld or ("untold" in parts and parts <= {"agrees", "untold"})
        if same:
            return Likeness.SAME
        facts = self._facts()
        agreeing = sum(levels[name] == "agrees" for name in facts)
        if any(levels[name] == "differs" for name in facts):
            return Likeness.OTHER
        enough = 1 if withheld else 3 if comparable else 2
        return Likeness.NAMESAKE if agreeing >= enough else Likeness.OTHER

    def _denying(self, key: MatchKey) -> set[str]:
        """What confirms a key, and every number that stands for one person only."""
        numbers = {
            name
            for other in self.keys
            for name in other.attributes
            if self.kinds[name] in {AttributeType.IDENTIFIER, AttributeType.SECRET}
        }
        return ({*key.confirm} | numbers) - {*key.attributes}

    def _facts(self) -> set[str]:
        """What is known of a person besides keys: names, a birth date."""
        keyed = {name for key in self.keys for name in key.attributes}
        return self.kinds.keys() - keyed

    def _folded(self, values: Mapping[str, str | None], untold: frozenset[str]) -> _Record:
        folded = {}
        for name, kind in self.kinds.items():
            text = fold(kind, values.get(name))
            if text is not None:
                folded[name] = text
        return _Record(folded, untold)


def fold(kind: AttributeType, text: str | None) -> str | None:
    """A value as far as two of them are compared to tell people apart; None where nothing is left of it."""
    if text is None:
        return None
    if kind is AttributeType.NAME:
        plain = "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
        return "".join(one for one in plain if one.isalnum()) or None
    if kind is AttributeType.PHONE:
        return re.sub(r"[^0-9+]", "", re.sub(r"^\s*00", "+", text)) or None
    if kind is AttributeType.IDENTIFIER:
        return text.strip().casefold() or None
    return meaning(kind, text) or None


def rows_say(
    stack: Stack, record: str, wanted: Mapping[str, str | None], rows: Iterable[Mapped], *, dated: bool
) -> Seen:
    """What rows of one person, all of one first day where they are dated, say about a row to be made.

    `there`: one says all that is wanted. `absent`: there is none. `unclear`: another value stands there, or one that is
    withheld.
    """
    rows = list(rows)
    if not rows:
        return Seen("absent")
    known = {name: value for name, value in wanted.items() if value is not None}
    for row in rows:
        if all(name in row.values and near(stack, name, value, row.values[name]) for name, value in known.items()):
            return Seen("there", source_id=row.source_id, version=row.version)
    when = "of the same first day " if dated else ""
    return Seen("unclear", why=f"the person has a {record} {when}already, and it says something else")


def _level(name: str, wanted: _Record, held: _Record) -> Level:
    if name in held.untold:
        return "untold"
    if name not in wanted.values or name not in held.values:
        return "missing"
    return "agrees" if wanted.values[name] == held.values[name] else "differs"


def _seen(found: Mapping[Likeness, list[str]]) -> Seen:
    doubtful, same = found.get(Likeness.CONTRADICTED, []), found.get(Likeness.SAME, [])
    if doubtful:
        what = "a record carries" if len(doubtful) == 1 else f"{len(doubtful)} records carry"
        return Seen("unclear", why=f"{what} the same key, and what should confirm it says otherwise")
    if len(same) > 1:
        return Seen("unclear", why=f"{len(same)} records carry the same key")
    if same:
        return Seen("there", source_id=same[0])
    namesakes = found.get(Likeness.NAMESAKE, [])
    if namesakes:
        what = "a record" if len(namesakes) == 1 else f"{len(namesakes)} records"
        return Seen("unclear", why=f"{what} without the key may be the same person's: what else is known agrees")
    return Seen("absent")
