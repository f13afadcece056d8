"""What matching needs from the stack file: which attributes, which keys, which systems. No data here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from hrorch_pipelines.identity.names import nicknames
from hrorch_pipelines.identity.terms import Limits
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.rules import MatchKey
from hrorch_pipelines.stack.terms import AttributeType

FIRST = ("legal_first_name", "first_name", "given_name")
LAST = ("legal_last_name", "last_name", "family_name", "surname")
PREFERRED = ("preferred_name", "nickname")
BIRTH_DATE = ("date_of_birth", "birth_date")
NATIONAL_ID = ("national_id", "ssn")
START = ("start_date", "hire_date")
END = ("end_date", "termination_date")
STATUS = ("employment_status", "status")
ENDED = ("terminated", "retired", "deceased", "inactive", "ended")
"""Attribute names with a meaning for matching; the common model of SYSTEMS.md and its usual synonyms."""

_PROVES_A_PERSON = {AttributeType.IDENTIFIER, AttributeType.SECRET}


@dataclass(frozen=True)
class Plan:
    """The stack file as matching sees it. `kinds` lists every attribute used, in a stable order."""

    systems: dict[str, str]
    """System → base record, in the order declared."""
    kinds: dict[str, AttributeType]
    keys: tuple[MatchKey, ...]
    compared: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]
    low: float
    high: float
    first: str | None
    last: str | None
    preferred: str | None
    birth_date: str | None
    national_id: str | None
    start: tuple[str, ...]
    end: tuple[str, ...]
    status: tuple[str, ...]
    reviewers: dict[str, tuple[str, str | None]]
    """System → who is asked about its records, and the deputy."""
    nicknames: tuple[tuple[str, str], ...]
    limits: Limits

    @property
    def identifying(self) -> tuple[str, ...]:
        """Key attributes that stand for one person only (a number, a keyed hash), as against shareable contact data."""
        named = {name for key in self.keys for name in key.attributes}
        return tuple(name for name, kind in self.kinds.items() if name in named and kind in _PROVES_A_PERSON)

    def proves(self, key: MatchKey) -> bool:
        """Whether a key holds an identifying attribute. An address or a mailbox may be shared by a family."""
        return any(self.kinds[name] in _PROVES_A_PERSON for name in key.attributes)

    @property
    def fingerprint(self) -> str:
        """Changes when the evidence must be computed anew for everybody."""
        content = [
            self.systems,
            {name: kind.value for name, kind in self.kinds.items()},
            [key.model_dump() for key in self.keys],
            self.compared,
            self.blocks,
            [self.low, self.high],
            self.nicknames,
        ]
        return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


def plan(stack: Stack, limits: Limits | None = None) -> Plan:
    """Gather what matching needs from a checked stack file."""
    matching = stack.matching
    chosen = matching.probabilistic

    def one(names: tuple[str, ...]) -> str | None:
        return next((name for name in names if name in stack.attributes), None)

    def every(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name in stack.attributes)

    roles = [one(FIRST), one(LAST), one(PREFERRED), one(BIRTH_DATE), one(NATIONAL_ID)]
    used = dict.fromkeys(
        [name for key in matching.keys for name in (*key.attributes, *key.confirm)]
        + list(chosen.attributes if chosen else [])
        + [name for rule in (chosen.block_on if chosen else []) for name in rule]
        + [name for name in roles if name]
    )
    reviewers = {name: matching.reviewer or system.owner for name, system in stack.systems.items()}
    return Plan(
        systems={name: system.base_record for name, system in stack.systems.items()},
        kinds={name: stack.attributes[name].type for name in used},
        keys=tuple(matching.keys),
        compared=tuple(chosen.attributes) if chosen else (),
        blocks=tuple(tuple(rule) for rule in chosen.block_on) if chosen else (),
        low=matching.review_between[0],
        high=matching.review_between[1],
        first=roles[0],
        last=roles[1],
        preferred=roles[2],
        birth_date=roles[3],
        national_id=roles[4],
        start=every(START),
        end=every(END),
        status=every(STATUS),
        reviewers={
            name: (who, stack.people[who].deputy if who in stack.people else None) for name, who in reviewers.items()
        },
        nicknames=nicknames(stack.folder),
        limits=limits or Limits(),
    )
