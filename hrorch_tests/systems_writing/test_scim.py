"""A SCIM directory against the real scim2-server: every path of the preset as an operation the service understands."""

from __future__ import annotations

from typing import Any

import pytest

from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY, from_now, read, somebody_else, write


def change(targets: Any, n: int, **wishes: str | None) -> Any:
    """Write and read again; what was sent."""
    one, held = from_now(targets, "directory", "user", f"u{n:03d}", **wishes)
    shown = targets["directory"].preview(one, held)[0]
    targets["directory"].send(one, held)
    assert read(targets, one).values == wishes
    return shown


@pytest.mark.parametrize(
    ("attribute", "wish", "operation"),
    [
        ("legal_first_name", "Ann", "replace name.givenName"),
        ("preferred_name", "Annie", "replace nickName"),
        ("work_email", "ann@x.example", "replace emails[primary eq true].value"),
        ("phone", "+13125559999", "replace phoneNumbers"),
        ("department", "ICU", "replace urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
        ("manager", "u001", "replace urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"),
        ("employment_status", "terminated", "replace active"),
    ],
)
def test_paths_of_the_mapping_become_paths_of_scim(targets: Any, attribute: str, wish: str, operation: str) -> None:
    shown = change(targets, 3, **{attribute: wish})
    assert list(shown.body) == [operation]


def test_a_list_element_that_is_missing_is_added_and_the_others_stay(targets: Any, sandbox: Any) -> None:
    change(targets, 4, work_email=None)
    change(targets, 4, work_email="new@x.example")
    with somebody_else(sandbox, "directory") as other:
        home = [{"value": "home@x.example", "type": "home"}, {"value": "work@x.example", "primary": True}]
        replaced = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "emails", "value": home}],
        }
        other.patch("Users/u004", json=replaced, headers={"Content-Type": "application/scim+json"})
        change(targets, 4, work_email="newer@x.example")
        emails = other.get("Users/u004").json()["emails"]
    assert {"value": "home@x.example", "type": "home"} in emails
    assert {"newer@x.example", "home@x.example"} == {one["value"] for one in emails}


def test_several_attributes_go_in_one_request(targets: Any) -> None:
    shown = change(targets, 5, legal_last_name="Roe", job_title="Boss", employment_status="terminated")
    assert len(shown.body) == 3
    change(targets, 5, employment_status="active")


def test_what_the_directory_has_no_word_for_is_not_written(targets: Any) -> None:
    one, held = from_now(targets, "directory", "user", "u006", employment_status="leave")
    with pytest.raises(WriteFault) as caught:
        targets["directory"].send(one, held)
    assert (caught.value.outcome, caught.value.code) == ("unwritable", "no_inverse")


def test_a_status_that_another_field_says_too_is_not_half_written(targets: Any, sandbox: Any) -> None:
    """`userType: Leave` keeps an active account on leave: setting `active` would not make it active."""
    with somebody_else(sandbox, "directory") as other:
        leave = [
            {"op": "replace", "path": "userType", "value": "Leave"},
            {"op": "replace", "path": "active", "value": False},
        ]
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": leave}
        other.patch("Users/u008", json=body, headers={"Content-Type": "application/scim+json"})
    one, held = from_now(targets, "directory", "user", "u008", employment_status="active")
    with pytest.raises(WriteFault) as caught:
        targets["directory"].send(one, held)
    assert caught.value.outcome == "unwritable"


def test_a_name_that_is_taken_is_refused_not_taken_for_a_conflict(targets: Any, stack: Any) -> None:
    fields = {**stack.systems["directory"].records["user"].fields}
    fields["work_email"] = fields["work_email"].model_copy(update={"from_": "userName"})
    record = stack.systems["directory"].records["user"].model_copy(update={"fields": fields})
    directory = stack.systems["directory"].model_copy(update={"records": {"user": record}})
    target = target_for(
        stack.model_copy(update={"systems": {**stack.systems, "directory": directory}}), "directory", CLOCK, KEY
    )
    one = write("directory", "user", "u009", work_email=("w9@lakeside.example", "w10@lakeside.example"))
    with pytest.raises(WriteFault) as caught:
        target.send(one, target.read(one))
    target.close()
    assert (caught.value.outcome, caught.value.status) == ("refused", 409)
    assert "uniqueness" in caught.value.what
    assert "w10@" not in str(caught.value)


def test_without_etags_the_preview_says_what_guards_the_write(targets: Any, stack: Any) -> None:
    record = stack.systems["directory"].records["user"]
    bare = record.model_copy(update={"write": record.write.model_copy(update={"etags": False})})
    directory = stack.systems["directory"].model_copy(update={"records": {"user": bare}})
    target = target_for(
        stack.model_copy(update={"systems": {**stack.systems, "directory": directory}}), "directory", CLOCK, KEY
    )
    one = write("directory", "user", "u010", legal_last_name=("Family0010", "Roe"))
    held = target.read(one)
    assert "read again just before" in str(target.preview(one, held)[0].condition)
    target.send(one, held)
    assert target.read(one).values == {"legal_last_name": "Roe"}
    target.close()
