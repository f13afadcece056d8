"""What a gate's rules are, as a hash: a receipt counts only for the rules it was issued under."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hrorch_pipelines.gates.catalogues import catalogue_digest
from hrorch_pipelines.gates.scope import RecordType
from hrorch_pipelines.stack.models import Stack

_VERSION = 1
"""Raise it when this room judges otherwise under the same stack file."""


def rules_hash(scope: RecordType) -> str:
    """Everything the verdict on a single record depends on. When it changes, every record is judged again."""
    attributes = {name: scope.stack.attributes[name] for name in scope.attributes}
    return _hash(
        {
            "version": _VERSION,
            "rules": [rule.model_dump(mode="json") for rule in scope.rules],
            "catalogues": {
                rule.values_from: catalogue_digest(scope.stack.folder, rule.values_from)
                for rule in scope.rules
                if rule.values_from
            },
            "attributes": {name: [item.type, item.sensitivity] for name, item in attributes.items()},
            "effective": scope.effective,
            "parent": scope.declared.parent,
            "time_zone": scope.stack.organization.time_zone,
        }
    )


def gate_hash(stack: Stack, system: str) -> str:
    """Everything a receipt of a system depends on: the rules and the expectations of all its record types."""
    scopes = [RecordType(stack, system, record) for record in stack.systems[system].records]
    return _hash(
        {
            scope.record: [rules_hash(scope), [item.model_dump(mode="json") for item in scope.expectations]]
            for scope in scopes
        }
    )


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
