"""The HRIS keeps BambooHR's habits: data sets in pages, unsorted dated tables, partial writes, withheld fields."""

from __future__ import annotations

import httpx
import pytest

from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_tests.sandbox.servers.conftest import Connect
from hrorch_tests.sandbox.servers.small_world import PEOPLE

DATA = "/api/v2/datasets/employee/data"


def read_all(client: httpx.Client, **asked: object) -> list[dict]:
    rows: list[dict] = []
    page, pages = 1, 1
    while page <= pages:
        answer = client.post(DATA, json={"page": page, **asked}).json()
        assert len(answer["data"]) <= answer["meta"]["pageSize"]
        rows += [row["fields"] for row in answer["data"]]
        page, pages = page + 1, answer["meta"]["totalPages"]
    assert answer["meta"]["totalItems"] == len(rows)
    return rows


@pytest.mark.parametrize("size", [1, 10, 23, 1000])
def test_the_data_set_gives_everyone_once_inactive_ones_too(connect: Connect, size: int) -> None:
    rows = read_all(connect("hris"), fields=["id", "employeeNumber", "status"], pageSize=size)
    assert [row["employeeNumber"] for row in rows] == [f"{n:06d}" for n in range(1, PEOPLE + 1)]
    assert [row["id"] for row in rows if row["status"] == "Inactive"] == ["7"]


def test_withheld_fields_are_left_out_and_named(connect: Connect) -> None:
    client = connect("hris")
    rows = {row["id"]: row for row in read_all(client, fields=["id", "birthDate", "homeEmail", "ssn"])}
    assert rows["9"]["_restrictedFields"] == ["birthDate", "homeEmail"]
    assert set(rows["9"]) == {"id", "ssn", "_restrictedFields"}
    assert rows["8"] == {"id": "8", "birthDate": "1980-05-17", "homeEmail": "p8@mail.example", "ssn": "900-00-0008"}
    one = client.get("/api/v1/employees/9?fields=birthDate,ssn").json()
    assert "birthDate" not in one
    listed = client.get("/api/v1/employees?filter[ids]=9&fields=birthDate").json()["data"][0]
    assert (listed["birthDate"], listed["_restrictedFields"]) == (None, ["birthDate"])


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400), ({"fields": []}, 400), ({"fields": ["shoeSize"]}, 400), ({"fields": ["id"], "pageSize": 1001}, 422),
        ({"fields": ["id"], "page": 0}, 422), ({"fields": ["id"], "filter": "id is 3"}, 422),
        ({"fields": ["id"], "orderBy": "lastName"}, 422),
    ],
)  # fmt: skip
def test_data_set_questions_it_does_not_understand_are_refused(connect: Connect, asked: dict, status: int) -> None:
    assert connect("hris").post(DATA, json=asked).status_code == status


def test_filters_and_order_of_the_data_set(connect: Connect) -> None:
    client = connect("hris")
    inactive = read_all(client, fields=["id"], filter="status eq 'Inactive'")
    some = read_all(client, fields=["id"], filter="id in ('3','5') or id eq '4' and status ne 'Inactive'")
    recent = read_all(client, fields=["id"], filter="lastChanged ge '2026-01-01T00:00:01+00:00'")
    backwards = read_all(client, fields=["id", "lastName"], orderBy="lastName desc", pageSize=10)
    assert [row["id"] for row in inactive] == ["7"]
    assert [row["id"] for row in some] == ["3", "4", "5"]
    assert recent == []
    assert [row["id"] for row in backwards] == [str(n) for n in range(PEOPLE, 0, -1)]


@pytest.mark.parametrize("limit", [1, 10, 23, 100])
def test_the_employee_list_pages_by_cursor(connect: Connect, limit: int) -> None:
    client, rows, after = connect("hris"), [], None
    while True:
        query = {"page[limit]": limit} | ({"page[after]": after} if after else {})
        page = client.get("/api/v1/employees", params=query).json()
        assert page["meta"]["total"] == PEOPLE
        rows += page["data"]
        after = page["meta"]["page"]["nextCursor"]
        if after is None:
            break
    assert [row["employeeId"] for row in rows] == [str(n) for n in range(1, PEOPLE + 1)]


def test_a_cursor_whose_employee_is_gone_is_void(sandbox: Sandbox, connect: Connect) -> None:
    client, store = connect("hris"), sandbox.records["hris"].store
    after = client.get("/api/v1/employees?page[limit]=5").json()["meta"]["page"]["nextCursor"]
    store.delete("employees", "5", at=sandbox.clock.now(), by=None)
    store.close()
    answer = client.get("/api/v1/employees", params={"page[limit]": 5, "page[after]": after})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadPage")


def test_tables_come_whole_and_in_no_order(connect: Connect) -> None:
    client = connect("hris")
    rows = client.get("/api/v1/employees/all/tables/compensation").json()
    dates = [row["startDate"] for row in rows]
    assert sorted(int(row["id"]) for row in rows) == list(range(2, 2 * PEOPLE + 2))
    assert dates not in (sorted(dates), sorted(dates, reverse=True))
    own = client.get("/api/v1/employees/3/tables/compensation").json()
    assert {(row["id"], row["employeeId"]) for row in own} == {("6", "3"), ("7", "3")}
    for path in ("3/tables/labels", "999/tables/compensation"):
        assert client.get(f"/api/v1/employees/{path}").status_code == 404


def test_one_employee_shows_what_counts_today_or_what_comes(connect: Connect) -> None:
    client = connect("hris")
    url = "/api/v1/employees/3?fields=payRate,jobTitle,lastName"
    assert client.get(url).json() == {
        "payRate": "60000.00 USD",
        "jobTitle": "Nurse",
        "lastName": "Family0003",
        "id": "3",
    }
    assert client.get(f"{url}&onlyCurrent=false").json()["payRate"] == "66000.00 USD"
    assert client.get("/api/v1/employees/999").status_code == 404


def test_the_directory_shows_active_employees_only(connect: Connect) -> None:
    shown = connect("hris").get("/api/v1/employees/directory").json()["employees"]
    assert {row["id"] for row in shown} == {str(n) for n in range(1, PEOPLE + 1)} - {"7"}


def test_changed_lists_what_was_inserted_updated_and_deleted(sandbox: Sandbox, connect: Connect) -> None:
    client, store = connect("hris"), sandbox.records["hris"].store
    client.post("/api/v1/employees/3", json={"lastName": "Changed"})
    client.post("/api/v1/employees/4/tables/jobInfo", json={"date": "2026-06-01", "jobTitle": "Lead"})
    location = client.post("/api/v1/employees", json={"firstName": "New", "lastName": "Person"}).headers["Location"]
    store.delete("employees", "5", at=sandbox.clock.now(), by=None)
    store.close()
    answer = client.get("/api/v1/employees/changed", params={"since": "2026-05-01T00:00:00Z"}).json()
    actions = {key: entry["action"] for key, entry in answer["employees"].items()}
    assert actions == {"3": "Updated", "4": "Updated", "5": "Deleted", location.rpartition("/")[2]: "Inserted"}
    assert answer["latest"] == "2026-06-01T12:00:00Z"
    deleted = client.get(
        "/api/v1/employees/changed", params={"since": "2026-05-01T00:00:00Z", "type": "deleted"}
    ).json()
    assert set(deleted["employees"]) == {"5"}
    for wrong in ({}, {"since": "yesterday"}, {"since": "2026-05-01T00:00:00Z", "type": "odd"}):
        assert client.get("/api/v1/employees/changed", params=wrong).status_code == 400
    tables = client.get("/api/v1/employees/changed/tables/jobInfo", params={"since": "2026-05-01T00:00:00Z"}).json()
    assert {row["id"] for row in tables["employees"]["4"]["rows"]} == {"4", "9000000000"}


def test_a_partial_write_leaves_the_rest_alone(sandbox: Sandbox, connect: Connect) -> None:
    client, fields = connect("hris"), "firstName,lastName,workEmail,lastChanged,lastChangedBy"
    answer = client.post(
        "/api/v1/employees/3", json={"workEmail": "new@lakeside.example"}, headers={"X-Sandbox-User": "Joan"}
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert client.get(f"/api/v1/employees/3?fields={fields}").json() == {
        "firstName": "Given0003", "lastName": "Family0003", "workEmail": "new@lakeside.example",
        "lastChanged": "2026-06-01T12:00:00Z", "lastChangedBy": "Joan", "id": "3",
    }  # fmt: skip


def test_writing_a_table_field_adds_a_row_from_today(connect: Connect) -> None:
    client = connect("hris")
    client.post("/api/v1/employees/3", json={"jobTitle": "Lead"})
    rows = client.get("/api/v1/employees/3/tables/jobInfo").json()
    assert {(row["date"], row["jobTitle"], row["department"]) for row in rows} == {
        ("2026-02-01", "Nurse", "Radiology"),
        ("2026-06-01", "Lead", "Radiology"),
    }
    assert client.get("/api/v1/employees/3?fields=jobTitle").json()["jobTitle"] == "Lead"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"birthDate": "30/02/1980"}, 409), ({"workEmail": "w4@lakeside.example"}, 409), ({"homeEmail": "nowhere"}, 409),
        ({"shoeSize": 44}, 400), ({"id": "4"}, 400),
    ],
)  # fmt: skip
def test_invalid_writes_are_refused_in_the_header_without_the_value(
    connect: Connect, change: dict, status: int
) -> None:
    client = connect("hris")
    answer = client.post("/api/v1/employees/3", json=change)
    (field, value), message = next(iter(change.items())), answer.headers["X-BambooHR-Error-Message"]
    assert (answer.status_code, answer.content) == (status, b"")
    assert field in message
    assert str(value) not in message
    assert client.get("/api/v1/employees/3?fields=birthDate,workEmail").json()["birthDate"] == "1980-05-17"


def test_withheld_fields_cannot_be_written(connect: Connect) -> None:
    assert connect("hris").post("/api/v1/employees/9", json={"birthDate": "1980-01-01"}).status_code == 403


def test_rows_are_added_changed_and_deleted(connect: Connect) -> None:
    client, url = connect("hris"), "/api/v1/employees/3/tables/jobInfo"
    assert client.post(url, json={"jobTitle": "Lead"}).status_code == 400
    assert client.post(url, json={"date": "soon"}).status_code == 406
    assert client.post(url, json={"date": "2026-07-01", "jobTitle": "Lead"}).status_code == 200
    assert client.post(f"{url}/9000000000", json={"jobTitle": "Chief"}).status_code == 200
    assert client.post("/api/v1/employees/4/tables/jobInfo/9000000000", json={"jobTitle": "X"}).status_code == 404
    assert {row["jobTitle"] for row in client.get(url).json()} == {"Nurse", "Chief"}
    assert client.delete(f"{url}/9000000000").json() == {"success": True}
    assert client.delete(f"{url}/9000000000").json()["success"] is False
    assert {row["jobTitle"] for row in client.get(url).json()} == {"Nurse"}


def test_strangers_get_nothing(sandbox: Sandbox) -> None:
    sandbox.start("hris")
    for auth in (None, ("wrong", "x")):
        assert httpx.get(f"{sandbox.url('hris')}/api/v1/employees", auth=auth).status_code == 401


def test_who_comes_without_a_number_is_given_one_and_who_has_one_keeps_it(connect: Connect) -> None:
    client, numbers = connect("hris"), []
    for own in ({}, {"employeeNumber": ""}, {"employeeNumber": "000500"}):
        sent = {"firstName": "New", "lastName": "Person", **own}
        made = client.post("/api/v1/employees", json=sent).headers["Location"].rpartition("/")[2]
        read = client.get(f"/api/v1/employees/{made}", params={"fields": "employeeNumber"}).json()
        numbers.append(read["employeeNumber"])
    assert [len(number) for number in numbers] == [7, 7, 6]
    assert len(set(numbers)) == 3


def test_a_status_is_a_row_of_its_own(connect: Connect) -> None:
    client, url = connect("hris"), "/api/v1_1/employees/4/tables/employmentStatus"
    row = {"date": "2026-12-01", "employmentStatus": "Terminated"}
    assert client.post(url, json=row).status_code == 200
    rows = client.get("/api/v1/employees/4/tables/employmentStatus").json()
    assert {one["date"]: one["employmentStatus"] for one in rows} == {
        "2026-02-01": "Full-Time",
        "2026-12-01": "Terminated",
    }
