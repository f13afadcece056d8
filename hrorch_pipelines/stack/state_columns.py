"""The columns of a person's state, over which the SQL of handoffs is written: their names and what each one is made of.

Types and rows are in the room `handoffs`; docs/handoffs.md tells their meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType

Kind = Literal["person", "decided", "held", "there", "id", "stale", "referred", "done"]


@dataclass(frozen=True)
class StateColumn:
    """One column. `held`, `there`, `id` and `stale` speak of one system; `referred` of the person that an attribute names.

    `part` says which of the columns about a person or about somebody referred to it is.
    """

    name: str
    kind: Kind
    system: str | None = None
    attribute: str | None = None
    handoff: str | None = None
    part: str = ""

    @property
    def made_of(self) -> str:
        """What it is made of, in words."""
        if self.kind == "decided":
            return f"the attribute `{self.attribute}`"
        if self.kind == "held":
            return f"`{self.attribute}` as `{self.system}` holds it"
        if self.kind in {"there", "id", "stale"}:
            return f"the system `{self.system}`"
        if self.kind == "referred":
            return f"whom `{self.attribute}` refers to"
        return f"the handoff `{self.handoff}`" if self.kind == "done" else "the person's state itself"


def bare(name: str) -> str:
    """A system's or handoff's name as part of a column's: `-` reads `_`."""
    return name.replace("-", "_")


def state_columns(stack: Stack) -> Iterator[StateColumn]:
    """Every column, in order. Names may repeat where the stack file lets them: the cross-check `handoffs` finds that."""
    for part in ("person_id", "stage", "now", "today"):
        yield StateColumn(part, "person", part=part)
    for name in stack.attributes:
        yield StateColumn(name, "decided", attribute=name)
    for system, declared in stack.systems.items():
        yield StateColumn(f"in_{bare(system)}", "there", system)
        yield StateColumn(f"{bare(system)}_id", "id", system)
        yield StateColumn(f"{bare(system)}_stale", "stale", system)
        for name in declared.mapped():
            yield StateColumn(f"{bare(system)}_{name}", "held", system, name)
    for name, attribute in stack.attributes.items():
        if attribute.type is AttributeType.PERSON:
            yield StateColumn(f"{name}_email", "referred", attribute=name, part="email")
            yield StateColumn(f"{name}_name", "referred", attribute=name, part="name")
    yield StateColumn("identity_resolved", "person", part="identity_resolved")
    yield StateColumn("spell", "person", part="spell")
    for handoff in stack.handoffs:
        yield StateColumn(f"done_{bare(handoff)}", "done", handoff=handoff)


def work_email(stack: Stack) -> str | None:
    """The attribute that somebody is written to at work: `work_email`, else the first e-mail address declared."""
    emails = [name for name, attribute in stack.attributes.items() if attribute.type is AttributeType.EMAIL]
    return "work_email" if "work_email" in emails else next(iter(emails), None)


def name_parts(stack: Stack) -> list[str]:
    """The attributes that make up somebody's name: every one of type `name`, in the order declared."""
    return [name for name, attribute in stack.attributes.items() if attribute.type is AttributeType.NAME]
