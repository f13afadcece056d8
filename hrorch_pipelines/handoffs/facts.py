"""What is true of everybody and one handoff, as SQL over the person's state. Comparing it with the steps is `evaluating`'s."""

from __future__ import annotations

from dataclasses import dataclass

from hrorch_pipelines.handoffs.conditions import ParsedHandoff, parsed_spell
from hrorch_pipelines.handoffs.content import Content, content_of
from hrorch_pipelines.handoffs.doubt import doubt_sql, own_doubt
from hrorch_pipelines.handoffs.local_day import midnight
from hrorch_pipelines.handoffs.marks import once_per_mark
from hrorch_pipelines.stack.handing import Ask, Create, Invite, Mail
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.state_columns import bare
from hrorch_pipelines.storage.sql import ident, literal


@dataclass(frozen=True)
class Rule:
    """One handoff as a pass works with it. `acting`: false where the stack file says `watch`."""

    parsed: ParsedHandoff
    content: Content | None
    undo: Content | None
    acting: bool
    stack_hash: str

    @property
    def name(self) -> str:
        return self.parsed.name

    @property
    def again(self) -> bool:
        """Whether what was said is said again when it changes."""
        then = self.parsed.handoff.then
        return isinstance(then, Invite) or (isinstance(then, Mail) and then.again)


def rules_of(stack: Stack, parsed: ParsedHandoff) -> Rule:
    """A handoff with what it says, as SQL."""
    handoff = parsed.handoff
    undo = content_of(stack, handoff.compensate.then, parsed.undo_content) if handoff.compensate else None
    said = content_of(stack, handoff.then, parsed.content)
    return Rule(parsed, said, undo, stack.lifecycle.handoffs == "do", stack.content_hash)


def facts(stack: Stack, rule: Rule) -> str:
    """One row per person of whom something can follow. Aliases of their own: what an attribute is called is the user's."""
    parsed, handoff = rule.parsed, rule.parsed.handoff
    wanted, back = parsed.condition, f"coalesce({parsed.undo_when.sql}, false)" if parsed.undo_when else "false"
    needs = [
        (f"NOT coalesce({expression.sql}, false)", declared.missing or declared.that, declared.owner or handoff.owner)
        for expression, declared in zip(parsed.requires, handoff.requires, strict=True)
    ]
    needs += [(sql, words, handoff.owner) for sql, words in (rule.content.lacking if rule.content else ())]
    undo_needs = [(sql, words, handoff.owner) for sql, words in (rule.undo.lacking if rule.undo else ())]
    once = once_per_mark(rule.name, parsed.once_per.sql)
    by = midnight(stack, "handoff_state", f"({parsed.by.sql})::DATE + 1") if parsed.by else "NULL::TIMESTAMPTZ"
    screened = stack.screening.jurisdiction
    asked = isinstance(handoff.then, Ask) and handoff.then.screening and screened is not None
    columns = {
        "wanted": wanted,
        "back": back,
        "there": f"coalesce({_there(stack, rule)}, false)",
        "doubt": doubt_sql(stack, parsed.columns),
        "own_doubt": own_doubt(stack, parsed.columns),
        "undo_doubt": doubt_sql(stack, parsed.undo_columns),
        "once_now": once,
        "once_doubt": _held(parsed.once_per.columns, stack),
        "missing": _words(needs, 1),
        "missing_owner": _first(needs),
        "due_by": by,
        "jurisdiction": f"CAST({ident(screened)} AS VARCHAR)" if asked and screened else "NULL::VARCHAR",
        "starts_on": rule.content.starts_on if rule.content else "NULL::DATE",
        "own_id": rule.content.own_id if rule.content else "NULL::VARCHAR",
        "effective_from": rule.content.effective_from if rule.content else "NULL::DATE",
        "said_text": f"CASE WHEN {wanted} THEN {rule.content.text} END" if rule.content else "NULL::VARCHAR",
        "undo_missing": _words(undo_needs, 1),
        "undo_own_id": rule.undo.own_id if rule.undo else "NULL::VARCHAR",
        "undo_from": rule.undo.effective_from if rule.undo else "NULL::DATE",
        "undo_text": f"CASE WHEN {back} THEN {rule.undo.text} END" if rule.undo else "NULL::VARCHAR",
        "on_day": "today",
    }
    values = ", ".join(f"{sql} AS {ident('_' + name)}" for name, sql in columns.items())
    plain = ", ".join(f"{ident('_' + name)} AS {ident(name)}" for name in columns)
    return f"""
        SELECT person_id, {plain}
        FROM (SELECT person_id, {values} FROM handoff_state
              WHERE ({wanted} OR {back} OR person_id IN (SELECT person_id FROM own))
                AND person_id NOT IN (SELECT person_id FROM handoff_erased))"""


def _there(stack: Stack, rule: Rule) -> str:
    """SQL of whether it is done already, whoever did it: what `done` says, else whether the person's own record is there."""
    then = rule.parsed.handoff.then
    if rule.parsed.done is not None:
        return rule.parsed.done.sql
    if isinstance(then, Create):
        target, _, record = then.create.partition(".")
        if stack.systems[target].base_record == record:
            return ident(f"in_{bare(target)}")
    return "false"


def _held(columns: frozenset[str], stack: Stack) -> str:
    """SQL of whether what it is once per is held or hidden for the person: then nothing of theirs is given up."""
    looked = columns - {"spell"} | parsed_spell(stack).columns if "spell" in columns else columns
    names = ", ".join(literal(name) for name in sorted(looked))
    return f"coalesce(list_has_any(doubtful, [{names}]), false)" if names else "false"


def _words(needs: list[tuple[str, str, str]], place: int) -> str:
    if not needs:
        return "NULL::VARCHAR"
    each = ", ".join(f"CASE WHEN {need[0]} THEN {literal(need[place])} END" for need in needs)
    return f"nullif(concat_ws('; ', {each}), '')"


def _first(needs: list[tuple[str, str, str]]) -> str:
    if not needs:
        return "NULL::VARCHAR"
    return f"CASE {' '.join(f'WHEN {sql} THEN {literal(owner)}' for sql, _, owner in needs)} END"
