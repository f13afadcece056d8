"""The states of METRICS.md worked out the slow way: plain Python, one cell at a time, from the same rows. Knows no SQL."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType

Row = dict[str, Any]
FIRST = date(1, 1, 1)


@dataclass
class Cell:
    value: Any = None
    flags: set[str] = field(default_factory=set)
    changed: datetime | None = None


@dataclass
class Spell:
    source_id: str
    person: str
    cells: dict[str, Cell]
    live: bool | None = True


@dataclass
class World:
    """What the warehouse holds, as Python: rows per (system, record), links, changes (system, record, owner, attribute, at)."""

    rows: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    links: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: list[tuple[str, str, str, str, datetime]] = field(default_factory=list)


class Oracle:
    """`states()` = (person, copy, attribute) → letter; `profile()` and `pairs()` as the tables have them."""

    def __init__(self, stack: Stack, world: World, now: datetime, as_of: date, stale: frozenset[str]) -> None:
        self.stack, self.world, self.now, self.as_of, self.stale = stack, world, now, as_of, stale
        self.spells = {system: self._spells(system) for system in stack.systems}
        self.people = {person for spells in self.spells.values() for person in spells}

    # -- what a system says -------------------------------------------------------------------------------------------

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.stack.organization.time_zone))

    def _rows(self, system: str, record: str, owner: str) -> list[Row]:
        key = "id" if self.stack.systems[system].records[record].parent is None else "worker"
        return [
            row for row in self.world.rows.get((system, record), []) if row[key] == owner and not row.get("unpassed")
        ]

    def _in_force(self, rows: list[Row], day: date) -> Row | None:
        begun = [row for row in rows if (row.get("from") or FIRST) <= day]
        valid = []
        for row in begun:
            later = any((other.get("from") or FIRST) > (row.get("from") or FIRST) for other in begun)
            if row.get("to") is None and not later:
                valid.append(row)
            if row.get("to") is not None and day < row["to"]:
                valid.append(row)
        return max(
            valid,
            key=lambda r: (r.get("from") or FIRST, -1 if r.get("sequence") is None else r["sequence"], _key(r)),
            default=None,
        )

    def _spells(self, system: str) -> dict[str, Spell]:
        base = self.stack.systems[system].base_record
        found: dict[str, list[Spell]] = {}
        for (linked, source_id), person in self.world.links.items():
            if linked == system and self._rows(system, base, source_id):
                found.setdefault(person, []).append(self._spell(system, source_id, person))
        return {
            person: min(spells, key=self._rank) if len(spells) > 1 else spells[0] for person, spells in found.items()
        }

    def _rank(self, spell: Spell) -> tuple[Any, ...]:
        value = {name: cell.value for name, cell in spell.cells.items()}
        starts, ends = value.get("start_date"), value.get("end_date")
        ended = (value.get("employment_status") or "").lower() in {"terminated", "retired", "deceased"} or bool(
            ends and ends < self.as_of
        )
        return (
            not spell.live,
            ended,
            bool(starts and starts > self.as_of),
            -(ends or date.max).toordinal(),
            -(starts or date.min).toordinal(),
            tuple(-ord(letter) for letter in spell.source_id),
        )

    def _spell(self, system: str, source_id: str, person: str) -> Spell:
        spell = Spell(source_id, person, {})
        for record, declared in self.stack.systems[system].records.items():
            rows = self._rows(system, record, source_id)
            effective = declared.effective is not None
            row = self._in_force(rows, self.as_of) if effective else (rows[0] if rows else None)
            upcoming = effective and any((r.get("from") or FIRST) > self.as_of for r in rows)
            for name in declared.fields:
                cell = spell.cells[name] = Cell(row.get(name) if row else None)
                if (
                    row is None
                    and upcoming
                    and any(r.get(name) is not None for r in rows if (r.get("from") or FIRST) > self.as_of)
                ):
                    cell.flags.add("s")
                if row and name in row.get("hidden", []):
                    cell.flags.add("h")
                if (row and row.get("held")) or self._unpassed(system, record, source_id, effective):
                    cell.flags.add("q")
                if self.stack.attributes[name].type is AttributeType.PERSON and cell.value is not None:
                    cell.value = self.world.links.get((system, cell.value))
                    if cell.value is None:
                        cell.flags.add("u")
                cell.changed = self._changed(system, record, source_id, name, rows, row, effective)
        if system == "payroll":
            status = spell.cells["employment_status"].value
            spell.live = None if status is None else status != "terminated"
        return spell

    def _unpassed(self, system: str, record: str, owner: str, effective: bool) -> bool:
        key = "id" if self.stack.systems[system].records[record].parent is None else "worker"
        return any(
            row[key] == owner and row.get("unpassed") and (not effective or (row.get("from") or FIRST) <= self.as_of)
            for row in self.world.rows.get((system, record), [])
        )

    def _changed(
        self, system: str, record: str, owner: str, name: str, rows: list[Row], row: Row | None, effective: bool
    ) -> datetime | None:
        moments = [
            at
            for s, r, o, a, at in self.world.changes
            if (s, r, o, a) == (system, record, owner, name) and not effective
        ]
        if effective and row is not None:
            before = (
                self._in_force(
                    [r for r in rows if (r.get("from") or FIRST) < (row.get("from") or FIRST)],
                    (row.get("from") or FIRST) - timedelta(days=1),
                )
                if row.get("from")
                else None
            )
            if (before.get(name) if before else None) != row.get(name):
                moments.append(self._midnight(row.get("from") or FIRST))
        return max(moments, default=None)

    # -- who decides ----------------------------------------------------------------------------------------------------

    def stage(self, person: str) -> str | None:
        hris = self.spells["hris"].get(person)
        if hris and hris.cells["employment_status"].value not in (None, "offered"):
            return "worker"
        if any(person in self.spells[system] for system in ("ats", "hris", "payroll", "directory")):
            return "candidate"
        return None

    def golden(self, person: str, name: str) -> Cell:
        stage = self.stage(person)
        rule = self.stack.authority.get(self.stack.attributes[name].data_type, {}).get(stage or "")
        if rule is None:
            return Cell()
        spell = self.spells[rule.system].get(person)
        if spell is None:
            return Cell(flags={"k"}) if name in self.stack.systems[rule.system].mapped() else Cell()
        cell = spell.cells.get(name)
        if cell is None:
            return Cell()
        if rule.when_empty == "hold" and cell.value is None and not cell.flags:
            return Cell(None, {"k"}, cell.changed)
        return cell

    # -- the comparison -------------------------------------------------------------------------------------------------

    def _verdict(self, person: str, copy: str) -> str | None:
        stage, status = self.stage(person), self.golden(person, "employment_status").value
        spell = self.spells[copy].get(person)
        if stage != "worker":
            return None
        must = status in (("active", "leave") if copy == "payroll" else ("active",))
        gone = copy == "payroll" and status == "terminated"
        if must and (spell is None or spell.live is False):
            verdict, day = "missing", self.golden(person, "start_date").value
        elif gone and spell is not None and spell.live:
            last = self.golden(person, "end_date").value
            verdict, day = "ghost", last + timedelta(days=1) if last else None
        else:
            return None
        since = [self.golden(person, "employment_status").changed, self._midnight(day) if day else None]
        grace = self.stack.presence[copy].grace or self.stack.comparison.grace
        young = any(moment and moment + grace > self.now for moment in since)
        return verdict + ("_young" if young else "")

    def states(self) -> dict[tuple[str, str, str], str]:
        found = {}
        for copy in self.stack.systems:
            for person in self.people:
                if self.stage(person) is None:
                    continue
                verdict = self._verdict(person, copy) if copy in self.stack.presence else None
                for name in self.stack.attributes:
                    letter = self._letter(person, copy, name, verdict)
                    if letter:
                        found[person, copy, name] = letter
        return found

    def _letter(self, person: str, copy: str, name: str, verdict: str | None) -> str | None:
        declared = self.stack.attributes[name]
        if verdict and verdict.startswith("missing") and copy in declared.required_in:
            return "Y" if verdict.endswith("young") else "m"
        if verdict and verdict.startswith("ghost") and name == "employment_status":
            return "Y" if verdict.endswith("young") else "g"
        authority = self.stack.authority_of(name, self.stage(person) or "")
        spell = self.spells[copy].get(person)
        if authority in (None, copy) or spell is None or name not in spell.cells:
            return None
        if name not in self.stack.systems[authority].mapped():
            return None
        ours, theirs = self.golden(person, name), spell.cells[name]
        for flag in "huqks":
            if flag in ours.flags | (theirs.flags - {"k"}):
                return flag
        if ours.value is None and theirs.value is None:
            return "e"
        same = self._same(declared, ours.value, theirs.value)
        grace = declared.grace or self.stack.comparison.grace
        if ours.changed and ours.changed + grace > self.now:
            return "y" if same else "Y"
        return "a" if same else "d"

    def _same(self, declared: Any, ours: Any, theirs: Any) -> bool:
        if ours is None or theirs is None:
            return False
        if declared.type in {AttributeType.CODE, AttributeType.EMAIL}:
            return bool(ours.lower() == theirs.lower())
        if declared.type is AttributeType.PAY:
            return bool(abs(Decimal(str(ours)) - Decimal(str(theirs))) <= Decimal("0.5"))
        return bool(ours == theirs)

    def _pair(self, person: str, copy: str, name: str) -> tuple[str, bool]:
        """The authority's side of a pair and whether the pair rests on a stale system."""
        stage = self.stage(person) or ""
        voucher = "hris" if stage == "worker" else next(s for s in self.stack.stages[stage].present_in if s != copy)
        authority = self.stack.authority_of(name, stage)
        return (authority if authority not in (None, copy) else voucher), bool({authority or copy, copy} & self.stale)

    def pairs(self) -> Counter[tuple[str, str, str, str]]:
        """(authority, copy, attribute, letter or `stale`) → cells, `not_supplied` left out."""
        counted: Counter[tuple[str, str, str, str]] = Counter()
        for (person, copy, name), letter in self.states().items():
            authority, _ = self._pair(person, copy, name)
            stale = bool({authority, copy} & self.stale) or (letter in "mg" and "hris" in self.stale)
            counted[authority, copy, name, "stale" if stale and letter != "k" else letter] += 1
        return counted

    def profile(self) -> Counter[tuple[int, int]]:
        """(disagreeing, comparable) → persons."""
        sums: dict[str, list[int]] = {}
        for (person, copy, name), letter in self.states().items():
            authority, _ = self._pair(person, copy, name)
            stale = bool({authority, copy} & self.stale) or (letter in "mg" and "hris" in self.stale)
            if letter in "admg" and not stale:
                total = sums.setdefault(person, [0, 0])
                total[0] += letter != "a"
                total[1] += 1
        return Counter((wrong, comparable) for wrong, comparable in sums.values())


def _key(row: Row) -> str:
    return f"{row['id']}@{row['from']}" if row.get("from") else str(row["id"])
