"""Payroll keeps Gusto's habits: totals in headers, versions on every PUT, the SSN never shown."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_tests.sandbox.servers.conftest import Connect
from hrorch_tests.sandbox.servers.small_world import PEOPLE, employee_uuid

ALL = "/v1/companies/sandbox-company/employees"


@pytest.mark.parametrize("per", [1, 10, 23, 100])
def test_pages_give_everyone_once_and_tell_the_total(connect: Connect, per: int) -> None:
    client, rows, url = connect("payroll"), [], f"{ALL}?per={per}"
    while url:
        answer = client.get(url)
        assert (answer.headers["X-Total-Count"], answer.headers["X-Per-Page"]) == (str(PEOPLE), str(per))
        rows += answer.json()
        url = answer.links.get("next", {}).get("url", "")
    assert [row["uuid"] for row in rows] == [employee_uuid(n) for n in range(1, PEOPLE + 1)]


def test_ssn_is_withheld_and_the_terminated_are_shown_unless_asked_otherwise(connect: Connect) -> None:
    client = connect("payroll")
    everyone = client.get(f"{ALL}?per=100").json()
    assert {row["ssn"] for row in everyone} == {""}
    assert {row["has_ssn"] for row in everyone} == {True}
    assert [row["uuid"] for row in client.get(f"{ALL}?terminated=true").json()] == [employee_uuid(7)]
    assert client.get(f"{ALL}?terminated=false").headers["X-Total-Count"] == str(PEOPLE - 1)


def test_future_pay_and_home_address_come_only_when_asked_for(connect: Connect) -> None:
    client = connect("payroll")
    bare = client.get(f"/v1/employees/{employee_uuid(3)}").json()
    full = client.get(f"/v1/employees/{employee_uuid(3)}?include=all_compensations,current_home_address").json()
    assert [row["rate"] for row in bare["jobs"][0]["compensations"]] == ["60000.00"]
    assert [row["rate"] for row in full["jobs"][0]["compensations"]] == ["60000.00", "66000.00"]
    assert "current_home_address" not in bare
    assert full["current_home_address"] == {"zip": "02134"}


@pytest.mark.parametrize("version", ["2019-01-01", "2999-01-01", "latest"])
def test_versions_of_the_api_it_does_not_speak_are_refused(connect: Connect, version: str) -> None:
    client = connect("payroll")
    assert client.get(ALL, headers={"X-Gusto-API-Version": version}).status_code == 406
    assert client.get(ALL).headers["X-Gusto-API-Version"] == "2024-04-01"


def test_put_needs_the_current_version(connect: Connect) -> None:
    client, url = connect("payroll"), f"/v1/employees/{employee_uuid(3)}"
    read = client.get(url).json()
    assert client.put(url, json={"first_name": "New"}).status_code == 422
    written = client.put(url, json={"version": read["version"], "first_name": "New"}).json()
    assert written["version"] != read["version"]
    stale = client.put(url, json={"version": read["version"], "first_name": "Newer"})
    assert (stale.status_code, stale.json()["errors"][0]["category"]) == (409, "invalid_resource_version")
    now = client.get(url).json()
    assert (now["first_name"], now["last_name"], now["version"]) == ("New", "Family0003", written["version"])


@pytest.mark.parametrize(("kind", "change"), [("jobs", {"title": "Lead"}), ("compensations", {"rate": "61000.00"})])
def test_jobs_and_compensations_have_versions_of_their_own(connect: Connect, kind: str, change: dict) -> None:
    client = connect("payroll")
    employee = client.get(f"/v1/employees/{employee_uuid(3)}?include=all_compensations").json()
    part = employee["jobs"][0] if kind == "jobs" else employee["jobs"][0]["compensations"][0]
    url = f"/v1/{kind}/{part['uuid']}"
    assert client.put(url, json={**change, "version": "x"}).status_code == 409
    written = client.put(url, json={**change, "version": part["version"]})
    assert written.status_code == 200
    assert written.json()["version"] != part["version"]
    assert client.get(url).json() == written.json()
    assert client.put(url, json={**change, "version": part["version"]}).status_code == 409


@pytest.mark.parametrize("change", [{"ssn": "900-00-0001"}, {"uuid": "x"}, {"shoe_size": 44}, {"jobs": []}])
def test_fields_that_cannot_be_written_are_refused(connect: Connect, change: dict) -> None:
    client, url = connect("payroll"), f"/v1/employees/{employee_uuid(3)}"
    before = client.get(url).json()
    assert client.put(url, json={**change, "version": before["version"]}).status_code == 422
    assert client.get(url).json() == before


def test_a_raise_is_a_new_compensation(connect: Connect) -> None:
    client = connect("payroll")
    job = client.get(f"/v1/employees/{employee_uuid(3)}/jobs").json()[0]["uuid"]
    pay = {"rate": "70000.00", "payment_unit": "Year", "effective_date": "2026-12-01"}
    assert client.post(f"/v1/jobs/{job}/compensations", json=pay).status_code == 201
    assert client.post(f"/v1/jobs/{job}/compensations", json={"rate": "1"}).status_code == 422
    assert [row["rate"] for row in client.get(f"/v1/jobs/{job}/compensations").json()] == [
        "60000.00",
        "66000.00",
        "70000.00",
    ]


def test_a_new_employee_can_be_read_back(connect: Connect) -> None:
    client = connect("payroll")
    made = client.post(ALL, json={"first_name": "New", "last_name": "Person"})
    assert made.status_code == 201
    assert client.get(f"/v1/employees/{made.json()['uuid']}").json()["last_name"] == "Person"
    assert client.get(ALL).headers["X-Total-Count"] == str(PEOPLE + 1)


def test_a_new_employee_takes_names_birth_date_and_addresses_only(connect: Connect) -> None:
    client = connect("payroll")
    person = {"first_name": "New", "last_name": "Person", "work_email": "n@x.example", "date_of_birth": "1990-01-02"}
    made = client.post(ALL, json=person).json()
    assert (made["work_email"], made["date_of_birth"], made["jobs"], made["terminated"]) == (
        "n@x.example",
        "1990-01-02",
        [],
        False,
    )
    for refused in ({"employee_code": "1"}, {"department": "ICU"}, {"shoe_size": 44}):
        answer = client.post(ALL, json={**person, **refused})
        assert (answer.status_code, answer.json()["errors"][0]["error_key"]) == (422, next(iter(refused)))


def test_a_new_job_brings_a_pay_of_nothing_an_hour(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("payroll")
    person = client.post(ALL, json={"first_name": "New", "last_name": "Person"}).json()["uuid"]
    made = client.post(f"/v1/employees/{person}/jobs", json={"title": "Nurse", "hire_date": "2026-07-01"})
    assert (made.status_code, made.json()["primary"], made.json()["title"]) == (201, True, "Nurse")
    (pay,) = client.get(f"/v1/jobs/{made.json()['uuid']}/compensations").json()
    assert (pay["rate"], pay["payment_unit"], pay["flsa_status"]) == ("0.00", "Hour", "Nonexempt")
    assert pay["effective_date"] == "2026-07-01"
    raised = {"rate": "62400.00", "payment_unit": "Year", "version": pay["version"]}
    assert client.put(f"/v1/compensations/{pay['uuid']}", json=raised).json()["rate"] == "62400.00"
    second = client.post(f"/v1/employees/{person}/jobs", json={"title": "Lead", "hire_date": "2026-08-01"}).json()
    assert not second["primary"]
    assert client.get(f"/v1/employees/{person}").json()["jobs"][1]["uuid"] == second["uuid"]
    assert client.post(f"/v1/employees/{person}/jobs", json={"title": "Nurse"}).status_code == 422
    assert client.post(f"/v1/employees/{person}/jobs", json={"title": "N", "hire_date": "soon"}).status_code == 422
    assert client.post("/v1/employees/nobody/jobs", json={"title": "N", "hire_date": "2026-07-01"}).status_code == 404
    told = sandbox.records["payroll"].store.events(collection="employees")
    assert {event.by for event in told} == {"hrorch-integration"}


def test_a_termination_takes_effect_when_the_last_day_is_past(sandbox: Sandbox, connect: Connect) -> None:
    client, url = connect("payroll"), f"/v1/employees/{employee_uuid(3)}"
    ended = {"effective_date": "2026-06-10", "run_termination_payroll": False}
    made = client.post(f"{url}/terminations", json=ended)
    assert (made.status_code, made.json()["active"]) == (201, False)
    assert client.get(url).json()["terminated"] is False
    assert client.get(f"{url}/terminations").json() == [made.json()]
    assert client.post(f"{url}/terminations", json=ended).status_code == 422
    assert client.post(f"{url}/terminations", json={"effective_date": "soon"}).status_code == 422
    assert client.get(ALL, params={"terminated": "true"}).headers["X-Total-Count"] == "1"
    sandbox.clock.at = datetime(2026, 6, 10, 23, tzinfo=UTC)
    assert client.get(url).json()["terminated"] is False
    sandbox.clock.at = datetime(2026, 6, 11, 1, tzinfo=UTC)
    now = client.get(url).json()
    assert (now["terminated"], now["terminations"][0]["active"]) == (True, True)
    assert client.get(ALL, params={"terminated": "true"}).headers["X-Total-Count"] == "2"


def test_strangers_and_other_companies_get_nothing(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("payroll")
    assert httpx.get(f"{sandbox.url('payroll')}{ALL}").status_code == 401
    assert client.get("/v1/companies/other/employees").status_code == 404
    assert client.get("/v1/employees/nobody").status_code == 404
    assert client.get(f"{ALL}?per=101").status_code == 422
