"""REST targets against real servers: what is sent, under which condition, and what each answer is taken to mean."""

from __future__ import annotations

import copy
import dataclasses
import time
from datetime import date
from typing import Any

import pytest

from hrorch_pipelines.sandbox.transport import FaultKind
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.protocol import Target, WriteFault
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY, from_now, person, read, somebody_else, stack_for, write

NAMES = {"onboarding": "newhire", "payroll": "worker", "hris": "worker", "ats": "candidate", "directory": "user"}


def send(targets: Any, one: Any, held: Any) -> Any:
    return targets[one.system].send(one, held)


def refusal(targets: Any, one: Any, held: Any) -> WriteFault:
    with pytest.raises(WriteFault) as caught:
        send(targets, one, held)
    return caught.value


def test_a_put_that_replaces_the_record_clears_nothing(targets: Any, sandbox: Any) -> None:
    before = sandbox.records["onboarding"].store.get("newhires", "n001").body
    one, held = from_now(targets, "onboarding", "newhire", "n001", start_date="2026-04-05")
    send(targets, one, held)
    after = sandbox.records["onboarding"].store.get("newhires", "n001").body
    assert after == {**before, "startDate": "04/05/2026"}


def test_types_of_what_is_sent_back_whole_are_those_that_came(targets: Any, sandbox: Any) -> None:
    one, held = from_now(targets, "onboarding", "newhire", "n002", start_date="2026-04-05")
    send(targets, one, held)
    tasks = sandbox.records["onboarding"].store.get("newhires", "n002").body["openTasks"]
    assert (tasks, type(tasks)) == (0, int)


def test_only_the_list_element_that_is_meant_changes(targets: Any, sandbox: Any) -> None:
    with somebody_else(sandbox, "ats") as other:
        addresses = [{"type": "work", "value": "w@x.example"}, {"type": "personal", "value": "p@x.example"}]
        assert other.patch("/v3/candidates/1001", json={"email_addresses": addresses}).status_code == 200
    one, held = from_now(targets, "ats", "candidate", "1001", personal_email="new@x.example")
    send(targets, one, held)
    body = sandbox.records["ats"].store.get("candidates", "1001").body
    assert body["email_addresses"] == [addresses[0], {"type": "personal", "value": "new@x.example"}]
    one, held = from_now(targets, "ats", "candidate", "1001", personal_email=None)
    send(targets, one, held)
    assert sandbox.records["ats"].store.get("candidates", "1001").body["email_addresses"] == [addresses[0]]


@pytest.mark.parametrize(("system", "record", "key"), [("payroll", "compensation", 3), ("hris", "compensation", 3)])
def test_the_row_in_force_is_corrected_and_the_coming_one_left_alone(targets, system, record, key) -> None:
    one, held = from_now(targets, system, record, person(system, key), pay_amount="61000.50")
    assert held.values == {"pay_amount": "60000.0000"}
    send(targets, one, held)
    assert read(targets, one).values == {"pay_amount": "61000.5000"}
    later = dataclasses.replace(one, effective_from=date(2026, 9, 1))
    assert read(targets, later).values == {"pay_amount": "66000.0000"}


@pytest.mark.parametrize("system", ["payroll", "hris"])
def test_a_new_row_keeps_what_the_row_in_force_says(targets: Any, sandbox: Any, system: str) -> None:
    day = date(2026, 7, 1)
    one, held = from_now(targets, system, "compensation", person(system, 4), on=day, pay_amount="63000")
    (shown,) = targets[system].preview(one, held)
    send(targets, one, held)
    full = write(
        system, "compensation", person(system, 4), day, pay_amount=("", ""), pay_unit=("", ""), flsa_status=("", "")
    )
    assert read(targets, full).values == {"pay_amount": "63000.0000", "pay_unit": "year", "flsa_status": "exempt"}
    today = dataclasses.replace(full, effective_from=None)
    assert read(targets, today).values["pay_amount"] == "60000.0000"
    assert shown.method == "POST"
    assert "2026-07-01" in shown.body.values()


@pytest.mark.parametrize("system", ["payroll", "hris"])
def test_a_row_that_was_added_is_seen_and_not_added_twice(targets: Any, sandbox: Any, board: Any, system: str) -> None:
    """The answer is lost: the row is there, a second read shows it, a second send corrects that row."""
    day = date(2026, 7, 1)
    one, held = from_now(targets, system, "compensation", person(system, 5), on=day, pay_amount="64000")
    board.switch_on(system, FaultKind.LOST_ANSWER, times=1)
    assert refusal(targets, one, held).outcome == "unknown"
    again, held = from_now(targets, system, "compensation", person(system, 5), on=day, pay_amount="64100")
    assert held.values == {"pay_amount": "64000.0000"}
    rows = len(rows_of(sandbox, system, 5))
    send(targets, again, held)
    assert len(rows_of(sandbox, system, 5)) == rows
    assert read(targets, again).values == {"pay_amount": "64100.0000"}


def rows_of(sandbox: Any, system: str, n: int) -> list[Any]:
    store = sandbox.records[system].store
    if system == "hris":
        return list(store.page("compensation", parent=str(n)))
    return list(store.get("employees", person("payroll", n)).body["jobs"][0]["compensations"])


def test_a_row_before_one_that_already_counts_is_not_added(targets: Any, sandbox: Any) -> None:
    with somebody_else(sandbox, "hris") as other:
        row = {"startDate": "2026-05-01", "rate": {"value": "1.00", "currency": "USD"}, "paidPer": "Year"}
        assert other.post("/api/v1/employees/6/tables/compensation", json=row).status_code == 200
    one, held = from_now(targets, "hris", "compensation", "6", on=date(2026, 4, 1), pay_amount="62000")
    assert held.values == {"pay_amount": "60000.0000"}
    assert refusal(targets, one, held).code == "later_row"


def test_a_value_that_counts_later_is_not_entered_now(targets: Any) -> None:
    one, held = from_now(
        targets, "payroll", "worker", person("payroll", 6), on=date(2026, 12, 1), legal_last_name="Roe"
    )
    assert refusal(targets, one, held).outcome == "unwritable"


def test_what_is_withheld_from_us_is_never_written(targets: Any, sandbox: Any) -> None:
    wish = write("hris", "worker", "9", date_of_birth=(None, "1980-05-18"), legal_last_name=("Family0009", "Roe"))
    held = read(targets, wish)
    assert held.values == {"legal_last_name": "Family0009"}
    assert refusal(targets, wish, held).code == "unknown_value"
    assert sandbox.records["hris"].store.get("employees", "9").body["lastName"] == "Family0009"


def test_a_field_the_answer_does_not_name_is_unknown_where_the_preset_says_so(targets: Any, stack: Any) -> None:
    narrow = stack.systems["hris"].records["worker"]
    fewer = narrow.write.model_copy(update={"params": {"fields": "id,firstName"}})
    records = {**stack.systems["hris"].records, "worker": narrow.model_copy(update={"write": fewer})}
    hris = stack.systems["hris"].model_copy(update={"records": records})
    target = target_for(stack.model_copy(update={"systems": {**stack.systems, "hris": hris}}), "hris", CLOCK, KEY)
    held = target.read(write("hris", "worker", "2", legal_first_name=("", ""), legal_last_name=("", "")))
    assert held.values == {"legal_first_name": "Given0002"}
    target.close()


def test_a_value_that_moved_on_is_left_alone(targets: Any, sandbox: Any) -> None:
    one, held = from_now(targets, "hris", "worker", "8", legal_last_name="Roe")
    stale = dataclasses.replace(one, changes=(dataclasses.replace(one.changes[0], before="Doe"),))
    assert refusal(targets, stale, held).outcome == "changed"
    assert sandbox.records["hris"].store.get("employees", "8").body["lastName"] == "Family0008"


@pytest.mark.parametrize("system", sorted(NAMES))
def test_a_record_that_is_not_there_is_not_found(targets: Any, system: str) -> None:
    one = write(system, NAMES[system], "99999", legal_last_name=("a", "b"))
    held = read(targets, one)
    assert not held.found
    assert refusal(targets, one, held).outcome == "changed"


def test_an_attribute_the_vendor_does_not_take_is_refused_before_anything_is_sent(targets: Any) -> None:
    one = write("payroll", "worker", person("payroll", 2), department=(None, "ICU"))
    with pytest.raises(WriteFault) as caught:
        targets["payroll"].preview(one)
    assert (caught.value.outcome, caught.value.code) == ("unwritable", "read_only")


def test_a_preview_shows_the_request_without_persons_values_unless_asked(targets: Any, stack: Any) -> None:
    one, held = from_now(targets, "payroll", "worker", person("payroll", 10), legal_last_name="Canary")
    (shown,) = targets["payroll"].preview(one, held)
    assert (shown.method, shown.where) == ("PUT", f"/v1/employees/{person('payroll', 10)}")
    assert shown.body == {"last_name": "C•••(6)", "version": held.version}
    assert "version" in str(shown.condition)
    assert "Canary" not in repr(shown) + repr(one) + repr(held)
    open_target = target_for(stack, "payroll", CLOCK, KEY)
    open_target.reveal = True  # type: ignore[attr-defined]
    assert open_target.preview(one, held)[0].body["last_name"] == "Canary"
    assert held.values == read(targets, one).values


def test_a_whole_body_is_masked_to_its_last_leaf(targets: Any) -> None:
    one, held = from_now(targets, "onboarding", "newhire", "n010", start_date="2026-04-05")
    (shown,) = targets["onboarding"].preview(one, held)
    assert shown.body["id"] == "n010"
    assert "Given0010" not in repr(shown)
    assert "If-Match" in str(shown.condition)


def test_a_system_without_versions_says_so(targets: Any) -> None:
    one, held = from_now(targets, "hris", "worker", "10", legal_last_name="Roe")
    assert "read again just before" in str(targets["hris"].preview(one, held)[0].condition)


def test_a_version_that_is_missing_in_the_answer_stops_the_write(targets: Any) -> None:
    one, held = from_now(targets, "onboarding", "newhire", "n011", start_date="2026-04-05")
    without = dataclasses.replace(held, raw=dataclasses.replace(held.raw, etag=None))
    fault = refusal(targets, one, without)
    assert (fault.outcome, fault.code) == ("refused", "no_version")


WIRE = [
    (FaultKind.RATE_LIMITED, {"retry_after": 7}, "not_done"),
    (FaultKind.UNAVAILABLE, {}, "not_done"),
    (FaultKind.TIMEOUT, {"seconds": 3}, "unknown"),
    (FaultKind.LOST_ANSWER, {}, "unknown"),
    (FaultKind.OUTAGE, {}, "unknown"),
    (FaultKind.HALF_FILE, {}, "unknown"),
    (FaultKind.HTML_200, {}, "unknown"),
    (FaultKind.REDIRECT_ZERO, {"to": "sign_in"}, "unknown"),
]
DONE = {FaultKind.TIMEOUT, FaultKind.LOST_ANSWER}
"""The write was done although nobody told us."""


@pytest.mark.parametrize(
    ("kind", "settings", "outcome"), WIRE, ids=lambda value: str(value) if isinstance(value, FaultKind) else ""
)
@pytest.mark.parametrize("system", sorted(NAMES))
def test_what_goes_wrong_on_the_wire_is_told_apart(targets, board, system, kind, settings, outcome) -> None:
    if kind is FaultKind.HALF_FILE and system in {"hris", "directory"}:
        pytest.skip("a write is answered without a body there")
    n = 11 + [one for one, *_ in WIRE].index(kind)
    one, held = from_now(targets, system, NAMES[system], person(system, n), legal_last_name="Roe")
    board.switch_on(system, kind, times=1, **settings)
    fault = refusal(targets, one, held)
    board.switch_off()
    assert fault.outcome == outcome
    assert fault.remedy
    assert fault.after == settings.get("retry_after")
    assert "Roe" not in str(fault)
    now = read(targets, one).values["legal_last_name"]
    if kind is not FaultKind.HALF_FILE:
        assert now == ("Roe" if kind in DONE else held.values["legal_last_name"])


@pytest.mark.parametrize("system", sorted(NAMES))
def test_a_system_that_is_not_there_did_nothing(sandbox: Any, targets: Any, system: str) -> None:
    one, held = from_now(targets, system, NAMES[system], person(system, 20), legal_last_name="Roe")
    sandbox.stop(system)
    try:
        targets[system].close()  # a pooled connection would only tell that it broke
        assert refusal(targets, one, held).outcome == "not_done"
        with pytest.raises(WriteFault) as caught:
            read(targets, one)
        assert caught.value.outcome == "not_done"
    finally:
        sandbox.start(system)


@pytest.mark.parametrize("system", sorted(NAMES))
@pytest.mark.parametrize(
    "kind", [FaultKind.UNAVAILABLE, FaultKind.TIMEOUT, FaultKind.HTML_200, FaultKind.OUTAGE, FaultKind.HALF_FILE]
)
def test_a_read_gets_over_one_fault_and_never_believes_two(targets, board, system, kind) -> None:
    late = {"seconds": 3} if kind is FaultKind.TIMEOUT else {}
    one = write(system, NAMES[system], person(system, 21), legal_last_name=("", ""))
    board.switch_on(system, kind, times=1, **late)
    assert read(targets, one).values == {"legal_last_name": "Family0021"}
    board.switch_on(system, kind, **late)
    with pytest.raises(WriteFault) as caught:
        read(targets, one)
    assert caught.value.outcome == "not_done"


@pytest.mark.parametrize("system", sorted(NAMES))
def test_an_ignored_write_and_a_late_one_show_in_the_next_read(targets, board, system) -> None:
    one, held = from_now(targets, system, NAMES[system], person(system, 22), legal_last_name="Roe")
    board.switch_on(system, FaultKind.IGNORED_WRITE, times=1)
    send(targets, one, held)
    assert read(targets, one).values == {"legal_last_name": "Family0022"}
    board.switch_on(system, FaultKind.LAGGING_READS, times=1, reads=1)
    send(targets, one, read(targets, one))
    assert read(targets, one).values == {"legal_last_name": "Family0022"}
    assert read(targets, one).values == {"legal_last_name": "Roe"}


def test_a_value_that_breaks_a_rule_is_refused_and_not_quoted(targets: Any) -> None:
    """BambooHR's 409 means an invalid value, not a conflict."""
    one, held = from_now(targets, "hris", "worker", "12", work_email="w13@lakeside.example")
    fault = refusal(targets, one, held)
    assert (fault.outcome, fault.status) == ("refused", 409)
    assert "w13" not in str(fault)
    one, held = from_now(targets, "payroll", "compensation", person("payroll", 12), pay_amount="-12.00")
    fault = refusal(targets, one, held)
    assert (fault.outcome, fault.status) == ("refused", 422)
    assert "rate" in fault.what


def test_wrong_credentials_are_refused(sandbox: Any, stack: Any) -> None:
    from pydantic import SecretStr

    payroll = stack.systems["payroll"].model_copy(
        update={"credentials": {**stack.systems["payroll"].credentials, "token": SecretStr("canary-token")}}
    )
    target: Target = target_for(
        stack.model_copy(update={"systems": {**stack.systems, "payroll": payroll}}), "payroll", CLOCK, KEY
    )
    with pytest.raises(WriteFault) as caught:
        target.read(write("payroll", "worker", person("payroll", 2), legal_last_name=("", "")))
    assert (caught.value.outcome, caught.value.code) == ("refused", "unauthorized")
    assert "canary" not in str(caught.value)
    target.close()


def test_a_token_that_ran_out_is_fetched_anew_once(targets: Any) -> None:
    one, held = from_now(targets, "ats", "candidate", "1002", legal_first_name="Ann")
    targets["ats"]._exchange.auth.access_token = "no-longer-known"
    send(targets, one, held)
    assert read(targets, one).values == {"legal_first_name": "Ann"}


def test_reads_and_writes_share_one_rate(sandbox: Any, tmp_path: Any) -> None:
    slow = stack_for(sandbox, tmp_path, rate={"requests": 4, "per": "0.5s"})
    target = target_for(slow, "hris", CLOCK, KEY)
    begun = time.monotonic()
    for n in range(13, 17):
        one = write("hris", "worker", str(n), legal_first_name=(f"Given{n:04d}", "Ann"))
        target.send(one, target.read(one))
    took = time.monotonic() - begun
    target.close()
    assert took >= 0.5  # eight requests, four in any half second


@pytest.mark.parametrize(
    ("record", "wish"), [("job", {"job_title": "Head Nurse"}), ("compensation", {"pay_amount": "62000.0000"})]
)
def test_of_several_jobs_the_one_that_is_mapped_is_changed(targets: Any, sandbox: Any, record: str, wish: Any) -> None:
    """Gusto: a second job stands before the primary one, and `where` and `explode` pass over it."""
    records, key = sandbox.records["payroll"], person("payroll", 8)
    body = copy.deepcopy(records.store.get("employees", key).body)
    if len(body["jobs"]) == 1:
        pays = [{**pay, "uuid": f"side-{pay['uuid']}"} for pay in body["jobs"][0]["compensations"]]
        side = {**body["jobs"][0], "uuid": "side-job", "primary": False, "title": "Trainer", "compensations": pays}
        records.put("employees", key, {**body, "jobs": [side, *body["jobs"]]}, by="Dana")
    one, held = from_now(targets, "payroll", record, key, **wish)
    send(targets, one, held)
    assert read(targets, one).values == wish
    side, primary = records.store.get("employees", key).body["jobs"]
    assert (side["title"], side["compensations"][0]["rate"]) == ("Trainer", "60000.00")
    assert "Head Nurse" in primary["title"] or primary["compensations"][0]["rate"] == "62000.00"
