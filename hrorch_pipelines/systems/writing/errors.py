"""The faults of writing, each with its remedy. What a fault means to the one who pushes is in `protocol`."""

from __future__ import annotations

from hrorch_pipelines.systems.errors import remedy_for
from hrorch_pipelines.systems.writing.protocol import Outcome, WriteFault

_REMEDIES = {
    "bad_path": "correct `from` (or `write_to`) of this field in the stack file",
    "held_twice": "find out in the system which of the two records is right, and remove the other",
    "later_row": "correct the later row in the system itself, then let the comparison run again",
    "missing_row": "enter the first row of this table in the system itself; there is none to start from",
    "no_create": "declare `create` for this record type, or enter the record by hand",
    "no_first_day": "give the handoff's `create` a `from`: the first day it counts",
    "no_holder": "look at the person's record in the system: what the new one belongs to is not there yet",
    "no_parent": "let the handoff require that the person's own record is there",
    "no_user_name": "let the handoff require the attribute that `create.user_name` names",
    "not_dated": "take `from` out of the handoff's `create`: these records have no first day",
    "not_taken": "take the attribute out of the handoff's `with`, or add it to `create.only` if the system takes it",
    "taken": "find out whose account has the name: link it to this person, or give one of the two another name",
    "no_add": "declare `write.add` for this record type, or correct the system by hand",
    "no_inverse": "declare `write_map` for this field, or correct the system by hand",
    "no_version": "check `write.version` in the stack file: the answer holds no such version",
    "no_write": "declare `write` for this record type, or take its attributes out of `writes.attributes`",
    "not_representable": "correct the system by hand, or change the mapping so that this value can be said in it",
    "not_the_record": "check `write.read` and `write.data` in the stack file: the answer holds another record",
    "side_effect": "declare `write_map` so that one value says both, or correct the system by hand",
    "changed": "nothing to do: the record is read again and judged anew",
    "read_only": "correct it in the system by hand, or take it out of `writes.attributes`",
    "refused": "look at the record in the system: it does not accept this value from these credentials",
    "unknown_outcome": "nothing to do: the record is read again before anything else",
    "unknown_value": "let the credentials see this field, or correct what stands there by hand",
}


def fault(
    code: str, what: str, outcome: Outcome, *, status: int | None = None, after: float | None = None
) -> WriteFault:
    """A write fault with the remedy of its code. `what` names records and fields, never a value."""
    return WriteFault(
        code, what, outcome=outcome, remedy=_REMEDIES.get(code) or remedy_for(code), status=status, after=after
    )


def unwritable(code: str, what: str) -> WriteFault:
    """A value that cannot be said in the target's terms; nothing was sent."""
    return fault(code, what, "unwritable")
