"""REST makers against real servers: what is there already, what became of a request whose answer was lost, what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from hrorch_pipelines.sandbox.transport import FaultKind
from hrorch_pipelines.systems.making.connect import maker_for
from hrorch_pipelines.systems.making.protocol import Letter, Making, Seen
from hrorch_pipelines.systems.making.rest import RestMaker
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_tests.sandbox.servers.small_world import employee_uuid
from hrorch_tests.systems.making.sandboxed import look, made, maker, making
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY, somebody_else

DAY = date(2026, 7, 1)


def person(name: str, **more: Any) -> dict[str, Any]:
    """Somebody of a test's own."""
    return {
        "legal_first_name": name, "legal_last_name": f"Of{name}", "personal_email": f"{name.lower()}@mail.example",
        "date_of_birth": "1991-02-03", **more,
    }  # fmt: skip


def hired(name: str, **more: Any) -> Making:
    return making("hris", "worker", **person(name, **more))


def refusal(call: Any, *given: Any) -> WriteFault:
    with pytest.raises(WriteFault) as caught:
        call(*given)
    return caught.value


def held(sandbox: Any, collection: str = "employees", system: str = "hris") -> int:
    return int(sandbox.records[system].store.count(collection))


def by_hand(sandbox: Any, **fields: str) -> str:
    with somebody_else(sandbox, "hris") as other:
        answer = other.post("/api/v1/employees", json=fields, headers={"X-Sandbox-User": "Dana Whitfield"})
    assert answer.status_code == 201
    return answer.headers["Location"].rpartition("/")[2]


def test_the_hris_gives_the_number_and_names_who_made_it(stack: Any, sandbox: Any) -> None:
    with maker(stack, "hris") as one:
        source_id = made(one, hired("Nina"))
    document = sandbox.records["hris"].store.get("employees", source_id)
    assert document.updated_by == "hrorch-integration"
    assert len(document.body["employeeNumber"]) == 7
    assert (document.body["firstName"], document.body["birthDate"]) == ("Nina", "1991-02-03")


def test_what_somebody_entered_by_hand_is_found_and_not_made_again(stack: Any, sandbox: Any) -> None:
    source_id = by_hand(sandbox, firstName="Hanna", lastName="OfHanna", homeEmail="HANNA@mail.example")
    seen = look(stack, hired("Hanna"))
    assert (seen.state, seen.source_id) == ("there", source_id)


def test_what_was_entered_without_the_address_is_a_question(stack: Any, sandbox: Any) -> None:
    by_hand(sandbox, firstName="Hugo", lastName="OfHugo", birthDate="1991-02-03")
    seen = look(stack, hired("Hugo"))
    assert seen.state == "unclear"
    assert "Hugo" not in str(seen.why)


@pytest.mark.parametrize(
    "other",
    [
        {"firstName": "Twinb", "lastName": "OfTwina", "birthDate": "1991-02-03"},
        {"firstName": "Twina", "lastName": "OfTwina", "birthDate": "1960-02-03"},
    ],
    ids=["twins", "father and son"],
)
def test_a_family_with_one_mailbox_is_neither_made_nor_merged(stack: Any, sandbox: Any, other: dict[str, str]) -> None:
    name = f"Twin{other['birthDate'][:4]}"
    address = f"{name.lower()}@mail.example"
    by_hand(sandbox, **{**other, "homeEmail": address})
    with maker(stack, "hris") as one:
        wanted = making("hris", "worker", **{**person("Twina"), "personal_email": address})
        seen = one.look(wanted)
        assert seen.state == "unclear"
        with pytest.raises(ValueError, match="unclear"):
            one.make(wanted, seen)


def test_somebody_whose_values_are_withheld_may_be_the_one(stack: Any) -> None:
    """Employee 9: address and birth date may not be seen by this key."""
    wanted = {"legal_first_name": "Given0009", "legal_last_name": "Family0009", "personal_email": "p9@mail.example"}
    assert look(stack, making("hris", "worker", **wanted)).state == "unclear"


def test_an_answer_that_was_lost_is_found_by_looking(stack: Any, sandbox: Any, board: Any) -> None:
    with maker(stack, "hris") as one:
        wanted = hired("Lost")
        seen, before = one.look(wanted), held(sandbox)
        board.switch_on("hris", FaultKind.LOST_ANSWER, times=1)
        assert refusal(one.make, wanted, seen).outcome == "unknown"
        assert one.look(wanted).state == "there"
    assert look(stack, wanted).state == "there"
    assert held(sandbox) == before + 1


def test_a_write_that_was_only_said_to_be_done_is_not_believed(stack: Any, sandbox: Any, board: Any) -> None:
    with maker(stack, "hris") as one:
        wanted, before = hired("Ignored"), held(sandbox)
        board.switch_on("hris", FaultKind.IGNORED_WRITE, times=1)
        assert one.make(wanted, one.look(wanted)).reference is not None
        assert one.look(wanted).state == "absent"
        made(one, wanted)
    assert held(sandbox) == before + 1


def test_what_is_seen_late_is_seen_in_the_end(stack: Any, sandbox: Any, board: Any) -> None:
    with maker(stack, "hris") as one:
        wanted = hired("Late")
        seen = one.look(wanted)
        board.switch_on("hris", FaultKind.LAGGING_READS, times=1, reads=2)
        one.make(wanted, seen)
        board.switch_off()
        assert [one.look(wanted).state for _ in range(3)][-1] == "there"


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMITED, FaultKind.UNAVAILABLE])
def test_not_now_means_that_nothing_happened(stack: Any, sandbox: Any, board: Any, kind: FaultKind) -> None:
    with maker(stack, "hris") as one:
        wanted = hired(f"Wait{kind.value.replace('_', '')}")
        seen, before = one.look(wanted), held(sandbox)
        board.switch_on("hris", kind, times=1, retry_after=7)
        wrong = refusal(one.make, wanted, seen)
        assert (wrong.outcome, wrong.after) == ("not_done", 7)
        assert held(sandbox) == before
        made(one, wanted)


@pytest.mark.parametrize(
    "kind", ["html_200", "half_file", "unavailable", "outage", "empty", "truncated_page", "redirect_zero", "timeout"]
)
def test_half_a_list_shows_nobody_to_be_absent(stack: Any, board: Any, kind: str) -> None:
    board.switch_on("hris", kind)
    with maker(stack, "hris") as one:
        assert refusal(one.look, hired("Half")).outcome == "not_done"


def test_what_the_system_refuses_is_refused_and_looked_at_again(stack: Any, sandbox: Any) -> None:
    with maker(stack, "hris") as one:
        wanted = hired("Taken", work_email="w3@lakeside.example")
        assert one.look(wanted).state == "unclear"  # somebody else's address: the other confirms nothing
        wrong = refusal(one.make, wanted, Seen("absent"))
        assert (wrong.outcome, wrong.status) == ("refused", 409)
        assert "w3@" not in str(wrong)


def test_rows_of_a_person_are_made_on_their_first_day(stack: Any, sandbox: Any) -> None:
    with maker(stack, "hris") as one:
        worker = made(one, hired("Rowena"))
        made(one, making("hris", "job", worker, DAY, job_title="Nurse", department="Radiology", location="Chicago"))
        made(one, making("hris", "compensation", worker, DAY, pay_amount="62400", flsa_status="exempt"))
        made(one, making("hris", "status", worker, DAY, employment_status="prehire"))
        ended = making(
            "hris", "status", worker, date(2026, 12, 1), employment_type="full_time", employment_status="active"
        )
        made(one, ended)
        assert one.look(ended).state == "there"
    store = sandbox.records["hris"].store
    (pay,) = store.page("compensation", parent=worker)
    assert pay.body["rate"] == {"currency": "USD", "value": "62400.00"}
    assert (pay.body["paidPer"], pay.body["exempt"], pay.body["startDate"]) == ("Year", "Exempt", "2026-07-01")
    words = [(row.body["date"], row.body["employmentStatus"]) for row in store.page("employmentStatus", parent=worker)]
    assert words == [("2026-07-01", "Pre-Hire"), ("2026-12-01", "Full-Time")]


def test_another_value_on_the_same_day_is_a_question(stack: Any) -> None:
    on = date(2026, 2, 1)
    assert look(stack, making("hris", "compensation", "4", on, pay_amount="60000")).state == "there"
    assert look(stack, making("hris", "compensation", "4", on, pay_amount="61000")).state == "unclear"
    assert look(stack, making("hris", "compensation", "4", DAY, pay_amount="61000")).state == "absent"
    assert look(stack, making("hris", "compensation", "4711", DAY, pay_amount="61000")).state == "unclear"


def test_a_row_whose_answer_was_lost_is_there_once(stack: Any, sandbox: Any, board: Any) -> None:
    with maker(stack, "payroll") as one:
        names = {"legal_first_name": "Job", "legal_last_name": "Lost", "personal_email": "job@mail.example"}
        worker = made(one, making("payroll", "worker", **names))
        wanted = making("payroll", "job", worker, job_title="Nurse", start_date="2026-07-01")
        seen = one.look(wanted)
        board.switch_on("payroll", FaultKind.LOST_ANSWER, times=1)
        assert refusal(one.make, wanted, seen).outcome == "unknown"
        assert one.look(wanted).state == "there"
        pay = making("payroll", "compensation", worker, DAY, pay_amount="52000", flsa_status="exempt")
        seen = one.look(pay)
        board.switch_on("payroll", FaultKind.LOST_ANSWER, times=1)
        assert refusal(one.make, pay, seen).outcome == "unknown"
        assert one.look(pay).state == "there"
    (job,) = sandbox.records["payroll"].store.get("employees", worker).body["jobs"]
    assert [row["rate"] for row in job["compensations"]] == ["52000.00"]


def test_a_termination_is_a_record_with_the_last_day_of_work(stack: Any, sandbox: Any) -> None:
    wanted = making("payroll", "termination", employee_uuid(11), date(2026, 8, 31))
    with maker(stack, "payroll") as one:
        made(one, wanted)
        assert one.look(making("payroll", "termination", employee_uuid(11), date(2026, 8, 31))).state == "there"
    (ended,) = sandbox.records["payroll"].store.get("employees", employee_uuid(11)).body["terminations"]
    assert (ended["effective_date"], ended["run_termination_payroll"]) == ("2026-08-31", False)


def test_a_check_is_ordered_once_and_again_when_the_last_was_used_up(stack: Any, sandbox: Any) -> None:
    with maker(stack, "check") as one:
        first = made(one, making("check", "invitation", "c012"))
        assert one.look(making("check", "invitation", "c012")).state == "there"
    store = sandbox.records["check"].store
    body = {**store.get("invitations", first).body, "status": "completed"}
    store.put("invitations", first, body, at=CLOCK.now(), by="Checkr", parent="c012")
    with maker(stack, "check") as one:
        assert made(one, making("check", "invitation", "c012")) != first


@pytest.mark.parametrize(
    ("wanted", "code", "named"),
    [
        (making("payroll", "worker", **person("No"), employee_number="1"), "not_taken", "employee_number"),
        (making("hris", "worker", **person("No"), national_id="900-00-0000"), "not_taken", "national_id"),
        (making("hris", "worker", **person("No"), job_title="Nurse"), "no_write", "job_title"),
        (making("hris", "worker", **person("No"), shoe_size="44"), "no_write", "shoe_size"),
        (making("hris", "worker", on=DAY, **person("No")), "not_dated", "worker"),
        (making("hris", "status", "4", DAY, employment_status="on_the_moon"), "not_representable", "employment_status"),
        (making("hris", "status", "4", DAY, employment_type="full_time"), "side_effect", "employment_status"),
        (making("hris", "status", "4", DAY, employment_type="intern", employment_status="leave"), "not_representable", ""),
        (making("hris", "compensation", "4", pay_amount="1000"), "no_first_day", "compensation"),
        (making("hris", "compensation", "4", DAY, pay_amount="1000.001", pay_unit="hour"), "not_representable", "pay_amount"),
        (making("hris", "job", None, DAY, job_title="Nurse"), "no_parent", "job"),
        (making("onboarding", "newhire", **person("No", date_of_birth=None), start_date="soon"), "not_representable", "start_date"),
        (making("ats", "candidate", **person("No")), "no_create", "candidate"),
        (Making("hris", Letter("a@x.example", "s", "t"), "key"), "no_create", "hris"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_not_sent(stack: Any, sandbox: Any, wanted: Making, code: str, named: str) -> None:
    before = [len(sandbox.records[name].store.events()) for name in ("hris", "payroll", "onboarding")]
    with maker(stack, wanted.place) as one:
        for call in (lambda: one.preview(wanted), lambda: one.make(wanted, Seen("absent"))):
            wrong = refusal(call)
            assert (wrong.outcome, wrong.code) == ("unwritable", code)
            assert named in str(wrong)
            assert not any(value and value in str(wrong) for value in ("900-00", "1000.001", "soon", "on_the_moon"))
    assert [len(sandbox.records[name].store.events()) for name in ("hris", "payroll", "onboarding")] == before


def test_previews_show_the_request_and_nobodys_values(stack: Any, sandbox: Any) -> None:
    before = held(sandbox)
    with maker(stack, "hris") as one:
        shown = one.preview(hired("Secretive"))
        assert (shown.method, shown.where) == ("POST", "/api/v1/employees")
        assert set(shown.body) == {"firstName", "lastName", "homeEmail", "birthDate"}
        assert not [value for value in shown.body.values() if "ecretive" in value or "1991" in value]
        pay = one.preview(making("hris", "compensation", "4", DAY, pay_amount="62400"))
    assert pay.where == "/api/v1_1/employees/4/tables/compensation"
    assert (pay.body["paidPer"], pay.body["startDate"]) == ("Year", "2026-07-01")
    assert "62400" not in str(pay.body)
    clear = RestMaker(stack, "hris", CLOCK, KEY, reveal=True)
    assert clear.preview(hired("Secretive")).body["firstName"] == "Secretive"
    clear.close()
    with maker(stack, "payroll") as one:
        nested = one.preview(making("payroll", "compensation", employee_uuid(3), DAY, pay_amount="62400"))
    assert nested.where == "/v1/jobs/{^.jobs[?primary=true].uuid}/compensations"
    assert held(sandbox) == before


def test_a_maker_can_be_closed_and_used_again(stack: Any) -> None:
    one = maker_for(stack, "hris", CLOCK, KEY)
    wanted = hired("Closed")
    made(one, wanted)
    one.close()
    assert one.look(wanted).state == "there"
    one.close()


def test_where_nobody_answers_nothing_is_known(stack: Any) -> None:
    system = stack.systems["hris"].model_copy(update={"base_url": "http://127.0.0.1:9"})
    away = stack.model_copy(update={"systems": {**stack.systems, "hris": system}})
    with maker(away, "hris") as one:
        assert refusal(one.look, hired("Away")).outcome == "not_done"
        assert refusal(one.look, making("hris", "status", "4", DAY, employment_status="active")).outcome == "not_done"
        assert refusal(one.make, hired("Away"), Seen("absent")).outcome == "not_done"
