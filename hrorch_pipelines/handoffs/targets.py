"""Where handoffs act: the systems and outlets that the stack file's handoffs name, and whether anything may be sent there now."""

from __future__ import annotations

from hrorch_pipelines.corrections import recheck
from hrorch_pipelines.stack.handing import Change, Create, Invite, Mail
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home


def targets(stack: Stack) -> list[str]:
    """Systems and outlets that something is sent to, each once, in the order the stack file declares them."""
    if stack.lifecycle.handoffs != "do":
        return []
    named = {
        place
        for handoff in stack.handoffs.values()
        for form in (handoff.then, handoff.compensate.then if handoff.compensate else None)
        if (place := target_of(form)) is not None
    }
    return [name for name in (*stack.systems, *stack.outlets) if name in named]


def target_of(form: object) -> str | None:
    """The system or outlet that one form acts on; None where a person does."""
    match form:
        case Create():
            return form.create.partition(".")[0]
        case Change():
            return form.change.partition(".")[0]
        case Mail():
            return form.mail
        case Invite():
            return form.invite
    return None


def stopped(stack: Stack, home: Home, target: str) -> str | None:
    """Why nothing at all may be sent to a target, in a sentence; None when it may."""
    rules = stack.corrections
    if rules.mode != "apply":
        return "The stack file says `corrections: {mode: propose}`: nothing is sent until it says `apply`."
    if stack.lifecycle.handoffs != "do":
        return f"The stack file says `lifecycle: {{handoffs: {stack.lifecycle.handoffs}}}`: nothing is sent."
    if target in rules.never_touch.systems or (
        target in stack.systems and rules.targets is not None and target not in rules.targets
    ):
        return f"The stack file does not let anything be written to {target}."
    return recheck.distrusted(home, target) if target in stack.systems else None


def owner_of(stack: Stack, target: str) -> str:
    """Who owns a target; one of `people`."""
    system = stack.systems.get(target)
    return system.owner if system else stack.outlets[target].owner
