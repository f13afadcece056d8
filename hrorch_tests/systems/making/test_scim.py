"""Accounts in a real SCIM service: found again under our own id, by keys, and never under somebody else's name."""

from __future__ import annotations

from typing import Any

import pytest

from hrorch_pipelines.sandbox.transport import FaultKind
from hrorch_pipelines.systems.making.protocol import Seen
from hrorch_pipelines.systems.making.scim import ScimMaker
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_tests.systems.making.sandboxed import look, made, maker, making
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY, somebody_else

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def account(name: str, key: str | None = None, **more: Any) -> Any:
    values = {
        "legal_first_name": name, "legal_last_name": f"Of{name}", "work_email": f"{name.lower()}@lakeside.example",
        "employment_status": "active", **more,
    }  # fmt: skip
    return making("directory", "user", key=key, **values)


def by_hand(sandbox: Any, **fields: Any) -> str:
    with somebody_else(sandbox, "directory") as other:
        content = {"schemas": [CORE], **fields}
        answer = other.post("Users", json=content, headers={"Content-Type": "application/scim+json"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def accounts(sandbox: Any, name: str) -> list[Any]:
    store = sandbox.records["directory"].store
    return [one.body for one in store.each("users") if one.body["userName"] == f"{name.lower()}@lakeside.example"]


def test_an_account_says_all_that_was_asked_for(stack: Any, sandbox: Any) -> None:
    more = {
        "department": "ICU",
        "employee_number": "000999",
        "manager": "u001",
        "phone": "+13125550000",
        "preferred_name": "Al",
    }
    with maker(stack, "directory") as one:
        wanted = account("Alma", **more)
        made(one, wanted)
    (body,) = accounts(sandbox, "Alma")
    assert body["externalId"] == wanted.idempotency_key
    assert (body["active"], body["nickName"]) == (True, "Al")
    assert body["name"] == {"givenName": "Alma", "familyName": "OfAlma"}
    assert body["emails"] == [{"value": "alma@lakeside.example", "primary": True}]
    enterprise = body[ENTERPRISE]
    assert (enterprise["employeeNumber"], enterprise["department"]) == ("000999", "ICU")
    assert enterprise["manager"]["value"] == "u001"


def test_ours_is_found_under_our_id_whatever_it_says_now(stack: Any, sandbox: Any) -> None:
    wanted = account("Bela")
    with maker(stack, "directory") as one:
        source_id = made(one, wanted)
    with somebody_else(sandbox, "directory") as other:
        renamed = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "replace", "path": "userName", "value": "bela.new@lakeside.example"},
                {"op": "replace", "path": "emails", "value": [{"value": "bela.new@lakeside.example", "primary": True}]},
            ],
        }
        headers = {"Content-Type": "application/scim+json"}
        assert other.patch(f"Users/{source_id}", json=renamed, headers=headers).is_success
    seen = look(stack, wanted)
    assert (seen.state, seen.source_id) == ("there", source_id)


def test_an_account_made_by_hand_is_found_by_its_keys(stack: Any, sandbox: Any) -> None:
    address = "carl@lakeside.example"
    emails = [{"value": address, "primary": True}]
    name = {"givenName": "Carl", "familyName": "OfCarl"}
    source_id = by_hand(sandbox, userName="carl.o", emails=emails, name=name)
    seen = look(stack, account("Carl"))
    assert (seen.state, seen.source_id) == ("there", source_id)


def test_a_name_that_somebody_has_is_a_question_not_a_person(stack: Any, sandbox: Any) -> None:
    by_hand(sandbox, userName="dora@lakeside.example", name={"givenName": "Doris", "familyName": "Other"})
    with maker(stack, "directory") as one:
        wanted = account("Dora")
        seen = one.look(wanted)
        assert (seen.state, seen.source_id) == ("unclear", None)
        with pytest.raises(WriteFault) as caught:
            one.make(wanted, Seen("absent"))
    assert (caught.value.code, caught.value.outcome, caught.value.status) == ("taken", "refused", 409)
    assert "dora@" not in str(caught.value)


def test_a_colleague_with_the_same_address_and_another_name_is_a_question(stack: Any, sandbox: Any) -> None:
    assert look(stack, account("Eva", work_email="w3@lakeside.example")).state == "unclear"


def test_who_was_entered_between_look_and_make_is_taken_for_the_same(stack: Any, sandbox: Any) -> None:
    with maker(stack, "directory") as one:
        wanted = account("Finn")
        seen = one.look(wanted)
        address = "finn@lakeside.example"
        emails, name = [{"value": address, "primary": True}], {"givenName": "Finn", "familyName": "OfFinn"}
        source_id = by_hand(sandbox, userName=address, emails=emails, name=name)
        assert one.make(wanted, seen).reference == source_id
        assert one.look(wanted).state == "there"
    assert len(accounts(sandbox, "Finn")) == 1


def test_an_answer_that_was_lost_is_found_under_our_id(stack: Any, sandbox: Any, board: Any) -> None:
    with maker(stack, "directory") as one:
        wanted = account("Gil")
        seen = one.look(wanted)
        board.switch_on("directory", FaultKind.LOST_ANSWER, times=1)
        with pytest.raises(WriteFault) as caught:
            one.make(wanted, seen)
        assert caught.value.outcome == "unknown"
        assert one.look(wanted).state == "there"
    assert len(accounts(sandbox, "Gil")) == 1


def test_a_write_that_was_only_said_to_be_done_is_not_believed(stack: Any, sandbox: Any, board: Any) -> None:
    with maker(stack, "directory") as one:
        wanted = account("Ines")
        seen = one.look(wanted)
        board.switch_on("directory", FaultKind.IGNORED_WRITE, times=1)
        one.make(wanted, seen)
        assert one.look(wanted).state == "absent"
        made(one, wanted)


@pytest.mark.parametrize("kind", ["html_200", "unavailable", "outage", "rate_limited", "empty"])
def test_a_directory_that_does_not_answer_shows_nobody_to_be_absent(stack: Any, board: Any, kind: str) -> None:
    board.switch_on("directory", kind)
    with maker(stack, "directory") as one, pytest.raises(WriteFault) as caught:
        one.look(account("Jan"))
    assert caught.value.outcome == "not_done"


def test_what_cannot_be_said_is_not_sent(stack: Any) -> None:
    with maker(stack, "directory") as one:
        for wanted, code in (
            (account("Kai", work_email=None), "no_user_name"),
            (account("Kai", employment_status="leave"), "no_inverse"),
        ):
            with pytest.raises(WriteFault) as caught:
                one.preview(wanted)
            assert (caught.value.outcome, caught.value.code) == ("unwritable", code)


def test_previews_show_nobodys_values(stack: Any) -> None:
    with maker(stack, "directory") as one:
        wanted = account("Secretive", department="ICU")
        shown = one.preview(wanted)
    assert (shown.method, shown.where) == ("POST", "/Users")
    assert shown.body["externalId"] == wanted.idempotency_key
    assert shown.body["schemas"] == [CORE, ENTERPRISE]
    assert shown.body[ENTERPRISE] == {"department": "ICU"}
    assert "ecretive" not in str(shown.body)
    clear = ScimMaker(stack, "directory", CLOCK, KEY, reveal=True)
    assert clear.preview(wanted).body["userName"] == "secretive@lakeside.example"
    clear.close()
