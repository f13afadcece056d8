"""What kind of change a correction is (its budget), and whether two people must agree to it."""

from __future__ import annotations

from hrorch_pipelines.authority.spells import ENDED
from hrorch_pipelines.stack.acting import ChangeKind
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType

_BANK = ("bank_", "iban", "routing_number", "account_number", "sort_code")
_PAY = ("pay_", "salary", "bonus", "wage")


def kind_of(stack: Stack, attribute: str, after: str | None) -> ChangeKind:
    """The kind of a change of `attribute` to `after`.

    Ending an employment is a termination even where `change: status` is declared: the two have budgets of their own.
    Else what `attributes.<name>.change` says, else by type and name.
    """
    declared = stack.attributes[attribute]
    if declared.change in (None, "status") and attribute == "employment_status" and (after or "").lower() in ENDED:
        return "termination"
    if declared.change is not None:
        return declared.change
    if attribute.startswith(_BANK):
        return "bank"
    if declared.type is AttributeType.PAY or attribute.startswith(_PAY):
        return "pay"
    if attribute == "end_date":
        return "termination"
    if attribute.endswith("_status"):
        return "status"
    by_type: dict[AttributeType, ChangeKind] = {
        AttributeType.PERSON: "manager",
        AttributeType.EMAIL: "email",
        AttributeType.NAME: "name",
    }
    return by_type.get(declared.type, "other")


def needs_two(stack: Stack, kind: str, data_type: str, attribute: str) -> bool:
    """Whether `corrections.four_eyes` names the kind, the data type or the attribute."""
    return not {kind, data_type, attribute}.isdisjoint(stack.corrections.four_eyes)
