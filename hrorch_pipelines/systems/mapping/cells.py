"""One value on its way through the statement: where its text is by now, what hides it, what is wrong with it."""

from __future__ import annotations

import dataclasses

from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.systems.mapping.codes import FaultCode


@dataclasses.dataclass
class Cell:
    """A target column under construction. `text` and `found` are SQL; NULL text means nothing there."""

    name: str
    field: FieldMap
    type: AttributeType
    zone: str  # IANA zone of moments that carry none
    currency: str | None  # of amounts: what a symbol may say
    open_ended: bool = False  # a date whose year 9999 means: no end
    secret: bool = False  # what was found must not be shown
    number_kind: str | None = None  # SQL: true where the source value is a JSON number, whose mark is always `.`
    text: str = "NULL"
    found: str = "NULL"
    plain: str | None = None  # SQL: `text` is as the source wrote it, and none of the steps for texts would change it
    value: str = "NULL"
    hidden: list[str] = dataclasses.field(default_factory=list)  # SQL conditions: withheld from us
    failures: list[tuple[str, FaultCode]] = dataclasses.field(
        default_factory=list
    )  # (SQL condition, fault code), first match wins

    def column(self, step: str) -> str:
        """Name of a helper column of this cell; `~` keeps it apart from attributes."""
        return f"{self.name}~{step}"

    def fail(self, condition: str, code: FaultCode) -> None:
        """Where `condition` holds, the cell is NULL and `code` stands in `faults`."""
        self.failures.append((condition, code))

    def has_text(self) -> str:
        """SQL: there is something to convert."""
        return f"{self.text} IS NOT NULL"

    def column_value(self) -> str:
        """SQL name of the typed value, made in layer `values`."""
        return f'"{self.column("value")}"'
