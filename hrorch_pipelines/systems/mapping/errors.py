"""Why a mapping cannot be used at all. Values that cannot be converted are no errors: they are entries in `faults`."""

from __future__ import annotations

from collections.abc import Sequence

from hrorch_pipelines.errors import HrorchError


class FieldFault(HrorchError, ValueError):  # noqa: N818  (the stack's word: see StackFaults)
    """One field mapping cannot be compiled; `attribute` is its name, or a column such as `source_id`."""

    def __init__(self, attribute: str, what: str, *, remedy: str) -> None:
        super().__init__(f"{attribute}: {what}", remedy=remedy)
        self.attribute = attribute


class MappingFault(HrorchError, ValueError):  # noqa: N818
    """One record type cannot be mapped; nothing was written. `faults` lists every field that is wrong, if fields are."""

    def __init__(self, system: str, record: str, what: str, *, remedy: str, faults: Sequence[FieldFault] = ()) -> None:
        super().__init__(f"{system}.{record}: {what}", remedy=remedy)
        self.system = system
        self.record = record
        self.faults = tuple(faults)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes at fault, in the order of the mapping."""
        return tuple(fault.attribute for fault in self.faults)

    @classmethod
    def of(cls, system: str, record: str, faults: Sequence[FieldFault]) -> MappingFault:
        """All faults of one record type together."""
        lines = "".join(f"\n  {fault.what}: {fault.remedy}" for fault in faults)
        count = f"{len(faults)} field{'s' if len(faults) != 1 else ''} cannot be mapped"
        return cls(system, record, count + lines, remedy="mend these fields in the stack file", faults=faults)
