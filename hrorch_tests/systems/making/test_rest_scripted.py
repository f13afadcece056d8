"""REST makers against a server that answers from a script: keys of ours in headers, windows, rows asked for one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.making.protocol import Making, NewRecord
from hrorch_pipelines.systems.making.rest import RestMaker
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_tests.systems.api import Api, as_json
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY
from hrorch_tests.systems_writing.small_stack import small_stack

FIELDS = {"personal_email": "mail", "legal_last_name": "name", "note": "note"}
TYPES = {"personal_email": "email", "legal_last_name": "name", "note": "text", "title": "text"}
PERSON: dict[str, Any] = {
    "read": {"path": "/people", "data": "items"}, "key": "id", "fields": FIELDS, "create": {"path": "/people"},
}  # fmt: skip
ROW: dict[str, Any] = {
    "read": {"path": "/people/{id}/rows", "each": "person"}, "key": "id", "parent": "person", "parent_key": "_parent_id",
    "fields": {"title": "title"}, "create": {"path": "/people/{parent}/rows"},
}  # fmt: skip
ANA = {"personal_email": "ana@home.example", "legal_last_name": "Ruiz"}


def stack_of(url: str, connection: dict[str, Any] | None = None, row: Any = None, **person: Any) -> Stack:
    system = {"connector": "rest", "base_url": url, "connection": {"timeout": "1s", "retries": 0, **(connection or {})}}
    made = small_stack(system, {"person": {**PERSON, **person}, "row": row or ROW}, TYPES)
    keys = {"keys": [{"attributes": ["personal_email"], "confirm": ["legal_last_name"]}]}
    return made.model_copy(update={"matching": type(made.matching).model_validate(keys)})


@pytest.fixture
def serving(serve: Callable[[Any], Any]) -> Callable[[Callable[[Request, int], Response]], tuple[Api, str]]:
    def started(answer: Callable[[Request, int], Response]) -> tuple[Api, str]:
        api = Api(answer)
        return api, serve(api.app)

    return started


def wanted(record: str = "person", parent: str | None = None, key: str = "our-key", **values: Any) -> Making:
    return Making("s", NewRecord(record, values, parent), key)


def maker(stack: Stack, **more: Any) -> RestMaker:
    return RestMaker(stack, "s", CLOCK, KEY, sleep=lambda _: None, **more)


def test_our_key_goes_with_every_try_where_the_system_takes_one(serving: Any) -> None:
    """Then even a record without any matching key may be made: the system itself never makes the same twice."""
    api, url = serving(
        lambda request, _: as_json({"items": [{"id": 1}]} if request.method == "GET" else {"id": 7}, 200)
    )
    one = maker(stack_of(url, create={"path": "/people", "idempotency_header": "Idempotency-Key"}))
    making = wanted(note="hello")
    seen = one.look(making)
    assert seen.state == "absent"
    assert [one.make(making, seen).reference for _ in range(2)] == ["7", "7"]
    assert [asked["headers"].get("idempotency-key") for asked in api.seen[-2:]] == ["our-key", "our-key"]
    one.close()


def test_without_such_a_header_nothing_is_made_blindly(serving: Any) -> None:
    api, url = serving(lambda *_: as_json({"items": [{"id": 1}]}))
    one = maker(stack_of(url))
    assert one.look(wanted(note="hello")).state == "unclear"
    assert {asked["method"] for asked in api.seen} == {"GET"}
    one.close()


def test_no_value_of_anybody_stands_in_an_address(serving: Any) -> None:
    api, url = serving(
        lambda request, _: as_json({"items": [{"id": 1}]} if request.method == "GET" else {"id": 7}, 200)
    )
    one = maker(stack_of(url))
    making = wanted(**ANA)
    one.make(making, one.look(making))
    one.look(making)
    asked = " ".join(f"{one['path']} {one['query']} {one['headers']}" for one in api.seen)
    assert "ana" not in asked
    assert "uiz" not in asked
    one.close()


def test_an_empty_system_is_believed_only_where_that_is_declared(serving: Any) -> None:
    _, url = serving(lambda *_: as_json({"items": []}))
    one = maker(stack_of(url))
    with pytest.raises(WriteFault) as caught:
        one.look(wanted(**ANA))
    assert (caught.value.outcome, caught.value.code) == ("not_done", "min_rows")
    one.close()
    stack = stack_of(url)
    believed = stack.systems["s"].model_copy(
        update={"trust": stack.systems["s"].trust.model_copy(update={"min_rows": 0})}
    )
    one = maker(stack.model_copy(update={"systems": {"s": believed}}))
    assert one.look(wanted(**ANA)).state == "absent"
    one.close()


def test_later_looks_ask_only_for_what_changed(serving: Any) -> None:
    def answer(request: Request, _: int) -> Response:
        if "since" in request.query_params:
            return as_json({"items": [{"id": 2, "mail": "ana@home.example", "name": "Ruiz"}]})
        return as_json({"items": [{"id": 1, "mail": "x@home.example", "name": "Berg"}]})

    api, url = serving(answer)
    read = {**PERSON["read"], "window": {"param": "since", "format": "{since}/{until}"}}
    one = maker(stack_of(url, read=read))
    assert one.look(wanted(**ANA)).state == "absent"
    seen = one.look(wanted(**ANA))
    assert (seen.state, seen.source_id) == ("there", "2")
    assert ["since" in asked["query"] for asked in api.seen] == [False, True]
    one.close()


def test_everybody_is_read_once_for_many(serving: Any) -> None:
    api, url = serving(lambda *_: as_json({"items": [{"id": 1, "mail": "x@home.example", "name": "Berg"}]}))
    one = maker(stack_of(url))
    assert {one.look(wanted(key=str(n), **ANA)).state for n in range(5)} == {"absent"}
    assert len(api.seen) == 1
    one.close()


def test_two_hires_of_one_push_who_are_the_same_person_are_made_once(serving: Any) -> None:
    """The second sees what was made for the first, though the system was read before."""
    _, url = serving(lambda request, _: as_json({"items": [{"id": 1}]} if request.method == "GET" else {"id": 7}, 200))
    write = {"read": "/people/{id}", "path": "/people/{id}"}
    one = maker(stack_of(url, write=write))
    first, second = wanted(key="first", **ANA), wanted(key="second", **ANA)
    one.make(first, one.look(first))
    assert (one.look(second).state, one.look(second).source_id) == ("there", "7")
    one.close()


def test_rows_are_asked_for_person_by_person(serving: Any) -> None:
    api, url = serving(lambda *_: as_json([{"id": 3, "title": "Nurse"}]))
    one = maker(stack_of(url))
    assert one.look(wanted("row", "p/1", title="Nurse")).source_id == "3"
    assert one.look(wanted("row", "p/1", title="Cook")).state == "unclear"
    assert {asked["path"] for asked in api.seen} <= {"/people/p/1/rows", "/people/p%2F1/rows"}
    one.close()


def test_rows_that_can_only_be_read_all_together_are_read_again_after_one_was_made(serving: Any) -> None:
    rows = [{"id": 3, "of": "1", "title": "Nurse"}]

    def answer(request: Request, _: int) -> Response:
        if request.method == "POST":
            rows.append({"id": 4, "of": "2", "title": "Cook"})
            return as_json({}, 201)
        return as_json({"items": rows})

    api, url = serving(answer)
    row = {
        **ROW,
        "read": {"path": "/rows", "data": "items"},
        "parent_key": "of",
        "create": {"path": "/people/{parent}/rows"},
    }
    one = maker(stack_of(url, row=row))
    assert one.look(wanted("row", "1", title="Nurse")).source_id == "3"
    making = wanted("row", "2", title="Cook")
    assert one.make(making, one.look(making)).reference is None
    assert one.look(making).source_id == "4"
    assert [asked["method"] for asked in api.seen] == ["GET", "POST", "GET"]
    one.close()


def test_the_id_of_an_answer_is_taken_from_where_it_is_told(serving: Any) -> None:
    _, url = serving(
        lambda request, _: (
            as_json({"items": [{"id": 1}]})
            if request.method == "GET"
            else as_json(None, 201, Location="/people/a%20b/")
        )
    )
    one = maker(stack_of(url, create={"path": "/people", "id": "header:Location"}))
    making = wanted(**ANA)
    assert one.make(making, one.look(making)).reference == "a b"
    one.close()


def test_reading_and_making_share_the_systems_rate(serving: Any) -> None:
    api, url = serving(
        lambda request, _: as_json({"items": [{"id": 1}]} if request.method == "GET" else {"id": 7}, 200)
    )
    waits: list[float] = []
    stack = stack_of(url, {"rate": {"requests": 2, "per": "10s"}})
    one = RestMaker(stack, "s", CLOCK, KEY, sleep=waits.append)
    for key in ("1", "2"):
        making = wanted(key=key, personal_email=f"{key}@home.example", legal_last_name="Ruiz")
        one.make(making, one.look(making))
    assert len(api.seen) == 4
    assert len(waits) == 2
    one.close()
