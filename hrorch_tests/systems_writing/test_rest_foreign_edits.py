"""Somebody else edits a record between our read and our write, in any order: their value is never overwritten unseen."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_tests.drawing import drawn
from hrorch_tests.systems_writing.sandboxed import from_now, person, read, somebody_else

NAMES = (f"Name{number}" for number in itertools.count())
"""Never the same twice: an edit that changes nothing leaves a directory's version as it is."""

VERSIONED = {"onboarding": "newhire", "payroll": "worker", "directory": "user"}
STEPS = st.lists(
    st.sampled_from(["read", "send", "they change it", "they change another field", "they change it and put it back"]),
    min_size=2,
    max_size=7,
)


def they_set(client: httpx.Client, system: str, key: str, attribute: str, value: str) -> None:
    """The other party reads and writes at once, by the vendor's own rules."""
    if system == "onboarding":
        path = f"/api/newhires/{key}"
        now = client.get(path)
        name = {"legal_last_name": "lastName", "legal_first_name": "firstName"}[attribute]
        answer = client.put(path, json={**now.json(), name: value}, headers={"If-Match": now.headers["ETag"]})
    elif system == "payroll":
        path = f"/v1/employees/{key}"
        name = {"legal_last_name": "last_name", "legal_first_name": "first_name"}[attribute]
        answer = client.put(path, json={name: value, "version": client.get(path).json()["version"]})
    else:
        name = {"legal_last_name": "name.familyName", "legal_first_name": "name.givenName"}[attribute]
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": name, "value": value}],
        }
        answer = client.patch(f"Users/{key}", json=body, headers={"Content-Type": "application/scim+json"})
    assert answer.is_success


@pytest.mark.parametrize("system", sorted(VERSIONED))
@settings(max_examples=drawn(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_order_of_edits_loses_a_foreign_value(targets: Any, sandbox: Any, system: str, steps: list[str]) -> None:
    key, record = person(system, 17), VERSIONED[system]
    with somebody_else(sandbox, system) as other:
        standing, first, stale = next(NAMES), "", False
        they_set(other, system, key, "legal_last_name", standing)
        one, held = from_now(targets, system, record, key, legal_last_name=next(NAMES))
        for step in [*steps, "send"]:
            if step == "read":
                one, held = from_now(targets, system, record, key, legal_last_name=next(NAMES))
                stale = False
            elif step == "send" and stale:
                with pytest.raises(WriteFault) as caught:
                    targets[system].send(one, held)
                assert caught.value.outcome == "changed"
            elif step == "send":
                targets[system].send(one, held)
                standing, stale = str(one.changes[0].after), True
            elif step == "they change another field":
                first, stale = next(NAMES), True
                they_set(other, system, key, "legal_first_name", first)
            elif step == "they change it":
                standing, stale = next(NAMES), True
                they_set(other, system, key, "legal_last_name", standing)
            else:
                stale = True
                they_set(other, system, key, "legal_last_name", "Aside")
                they_set(other, system, key, "legal_last_name", standing)
        assert read(targets, one).values == {"legal_last_name": standing}
        if first:
            there, _ = from_now(targets, system, record, key, legal_first_name=None)
            assert there.changes[0].before == first
