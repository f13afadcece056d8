"""Every way of paging reads each record exactly once, and pages that do not fit together are never believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from hrorch_pipelines.systems.raw import RawRecords, SystemUnavailable
from hrorch_pipelines.systems.rest import RestConnector
from hrorch_tests.systems.api import Api, as_json, people
from hrorch_tests.systems.conftest import NOW, system

ALL = people(1, 25)


def read(base_url: str, into: Path, clock: Any, declared: dict[str, Any], **more: Any) -> RawRecords:
    connector = RestConnector(
        "hris", system("rest", base_url, {"worker": declared}, **more), clock, sleep=lambda _: None
    )
    return connector.read("worker", into=into, until=NOW)


def rows(raw: RawRecords) -> list[dict[str, Any]]:
    return [json.loads(line) for line in raw.path.read_text(encoding="utf-8").splitlines()]


def page(number: int, size: int = 10, of: list[dict[str, Any]] = ALL) -> list[dict[str, Any]]:
    return of[(number - 1) * size : number * size]


def by_number(request: Any, _: int) -> Response:
    return as_json({"items": page(int(request.query_params["page"])), "total": len(ALL)})


NUMBERED = {
    "path": "/people",
    "data": "items",
    "total": "total",
    "paginator": {"type": "page_number", "size_param": "size", "size": 10},
}


def test_page_numbers_stop_at_the_claimed_total_without_a_request_more(serve, into, clock):
    api = Api(by_number)
    raw = read(serve(api.app), into, clock, NUMBERED)
    assert rows(raw) == ALL
    assert raw.report.complete
    assert (raw.report.claimed_rows, raw.rows, raw.report.pages, raw.report.requests) == (25, 25, 3, 3)
    assert [asked["query"] for asked in api.seen] == [{"size": "10", "page": str(n)} for n in (1, 2, 3)]


def test_page_numbers_without_a_total_go_on_until_a_page_is_empty(serve, into, clock):
    api = Api(lambda request, _: as_json(page(int(request.query_params["page"]))))
    raw = read(serve(api.app), into, clock, {"path": "/people", "paginator": {"type": "page_number"}})
    assert rows(raw) == ALL
    assert len(api.seen) == 4


def test_total_in_a_header(serve, into, clock):
    api = Api(lambda request, _: as_json(page(int(request.query_params["page"])), X_Total_Count="25"))
    raw = read(
        serve(api.app),
        into,
        clock,
        {"path": "/people", "total": "header:X-Total-Count", "paginator": {"type": "page_number"}},
    )
    assert (raw.rows, raw.report.claimed_rows, len(api.seen)) == (25, 25, 3)


def test_a_flag_says_whether_another_page_follows(serve, into, clock):
    api = Api(lambda _request, n: as_json({"items": page(n), "hasNext": n < 3}))
    raw = read(
        serve(api.app),
        into,
        clock,
        {"path": "/p", "data": "items", "paginator": {"type": "page_number", "more": "hasNext"}},
    )
    assert rows(raw) == ALL
    assert len(api.seen) == 3


def test_offsets(serve, into, clock):
    def answer(request: Any, _: int) -> Response:
        start = int(request.query_params["offset"])
        return as_json({"items": ALL[start : start + 10], "total": 25})

    declared = {
        "path": "/p",
        "data": "items",
        "total": "total",
        "paginator": {"type": "offset", "size_param": "limit", "size": 10},
    }
    raw = read(serve(Api(answer).app), into, clock, declared)
    assert rows(raw) == ALL


def test_link_header_whose_cursor_must_be_the_only_parameter(serve, into, clock):
    def answer(request: Any, n: int) -> Response:
        query = dict(request.query_params)
        if "cursor" in query and len(query) > 1:
            return as_json({"message": "cursor must be alone"}, 422)
        link = {"Link": f'<{request.url.scheme}://{request.url.netloc}/v3/p?cursor=c{n}>; rel="next"'} if n < 3 else {}
        return as_json(page(n), **link)

    api = Api(answer)
    declared = {
        "path": "/v3/p",
        "params": {"x": "1"},
        "paginator": {"type": "link_header", "cursor_alone": True, "size_param": "per_page", "size": 10},
    }
    raw = read(serve(api.app), into, clock, declared)
    assert rows(raw) == ALL
    assert [asked["query"] for asked in api.seen] == [{"x": "1", "per_page": "10"}, {"cursor": "c1"}, {"cursor": "c2"}]


@pytest.mark.parametrize("alone", [True, False])
def test_cursor_in_the_body(serve, into, clock, alone):
    api = Api(lambda _request, n: as_json({"data": page(n), "next": f"c{n}" if n < 3 else None}))
    declared = {
        "path": "/p",
        "data": "data",
        "params": {"x": "1"},
        "paginator": {"type": "cursor", "next": "next", "param": "after", "cursor_alone": alone},
    }
    raw = read(serve(api.app), into, clock, declared)
    assert rows(raw) == ALL
    assert api.seen[1]["query"] == ({"after": "c1"} if alone else {"x": "1", "after": "c1"})


def test_next_url_in_the_body_may_be_relative_and_ends_with_an_empty_one(serve, into, clock):
    api = Api(lambda _request, n: as_json({"data": page(n), "next_href": f"/p?page={n + 1}" if n < 3 else ""}))
    raw = read(
        serve(api.app),
        into,
        clock,
        {"path": "/p", "data": "data", "paginator": {"type": "next_url", "next": "next_href"}},
    )
    assert rows(raw) == ALL


def test_post_read_with_page_and_size_in_the_body_and_records_inside_wrappers(serve, into, clock):
    def answer(request: Any, n: int) -> Response:
        return as_json({"data": [{"fields": row} for row in page(n)], "meta": {"totalItems": 25}})

    api = Api(answer)
    declared = {
        "path": "/data", "method": "POST", "body": {"fields": ["id", "name"]}, "data": "data[*].fields", "total": "meta.totalItems",
        "paginator": {"type": "page_number", "param": "page", "size_param": "pageSize", "size": 10, "in": "body"},
    }  # fmt: skip
    raw = read(serve(api.app), into, clock, declared)
    assert rows(raw) == ALL
    assert api.seen[1]["body"] == {"fields": ["id", "name"], "pageSize": 10, "page": 2}
    assert api.seen[1]["query"] == {}


def test_numbers_keep_every_digit(serve, into, clock):
    api = Api(
        lambda *_: Response(
            '[{"id": 12345678901234567890, "pay": 70000.10, "odd": NaN}]', media_type="application/json"
        )
    )
    raw = read(serve(api.app), into, clock, {"path": "/p"})
    assert raw.path.read_text() == '{"id":12345678901234567890,"pay":"70000.10","odd":"NaN"}\n'


def test_one_drifting_read_is_read_again_and_then_believed(serve, into, clock):
    def answer(request: Any, n: int) -> Response:
        number = int(request.query_params["page"])
        shifted = [{"id": 0, "name": "new"}, *ALL] if n == 2 else ALL
        return as_json({"items": page(number, of=shifted), "total": 25})

    raw = read(serve(Api(answer).app), into, clock, NUMBERED)
    assert rows(raw) == ALL
    assert raw.report.complete
    assert [problem.code for problem in raw.report.problems] == ["read_again"]


def test_lasting_drift_is_fatal(serve, into, clock):
    def answer(request: Any, n: int) -> Response:
        return as_json(
            {"items": page(int(request.query_params["page"]), of=[*({"id": -k} for k in range(1, n)), *ALL])}
        )

    raw = read(
        serve(Api(answer).app), into, clock, {"path": "/p", "data": "items", "paginator": {"type": "page_number"}}
    )
    assert not raw.report.complete
    assert raw.report.problems[-1].code == "page_drift"


def test_a_record_removed_while_paging_is_noticed_by_the_changing_total(serve, into, clock):
    def answer(request: Any, n: int) -> Response:
        number, fewer = int(request.query_params["page"]), n > 1
        of = ALL[1:] if fewer else ALL
        return as_json({"items": page(number, of=of), "total": len(of)})

    raw = read(serve(Api(answer).app), into, clock, NUMBERED)
    assert raw.report.complete
    assert rows(raw) == ALL[1:]


def test_a_page_with_fewer_rows_than_promised_is_fatal(serve, into, clock):
    def answer(request: Any, _: int) -> Response:
        number = int(request.query_params["page"])
        return as_json({"items": page(number)[: 4 if number == 2 else 10], "total": 25})

    without_size = {**NUMBERED, "paginator": {"type": "page_number"}}
    assert read(serve(Api(answer).app), into, clock, without_size).report.problems[-1].code == "count_mismatch"
    assert read(serve(Api(answer).app), into, clock, NUMBERED).report.problems[-1].code == "short_page"


def test_a_repeated_cursor_ends_the_read(serve, into, clock):
    api = Api(lambda _request, n: as_json({"data": [{"id": n}], "next": "same"}))
    raw = read(
        serve(api.app),
        into,
        clock,
        {"path": "/p", "data": "data", "paginator": {"type": "cursor", "next": "next", "param": "c"}},
    )
    assert raw.report.problems[-1].code == "cursor_loop"
    assert len(api.seen) == 2


def test_an_expired_page_cursor_starts_over(serve, into, clock):
    def answer(request: Any, n: int) -> Response:
        if n == 2:
            return as_json({"error": "BadPage"}, 400)
        after = int(request.query_params.get("after", 0))
        return as_json({"data": ALL[after : after + 10], "next": after + 10 if after + 10 < 25 else None})

    declared = {"path": "/p", "data": "data", "paginator": {"type": "cursor", "next": "next", "param": "after"}}
    raw = read(serve(Api(answer).app), into, clock, declared)
    assert rows(raw) == ALL
    assert raw.report.complete


def test_a_next_page_on_another_host_gets_no_credentials(serve, into, clock):
    stranger = Api(lambda *_: as_json([]))
    elsewhere = serve(stranger.app)
    api = Api(lambda *_: as_json({"data": [{"id": 1}], "next": f"{elsewhere}/steal"}))
    raw = read(
        serve(api.app), into, clock, {"path": "/p", "data": "data", "paginator": {"type": "next_url", "next": "next"}},
        credentials={"token": "s3cret"}, connection={"auth": {"type": "bearer", "token": "{token}"}},
    )  # fmt: skip
    assert raw.report.problems[-1].code == "foreign_next_url"
    assert stranger.seen == []


def test_duplicate_keys_within_a_page_are_the_sources_own_and_stay(serve, into, clock):
    api = Api(lambda *_: as_json([{"id": 1, "a": "x"}, {"id": 1, "a": "y"}]))
    raw = read(serve(api.app), into, clock, {"path": "/p"})
    assert raw.rows == 2
    assert raw.report.complete


def test_an_empty_list_is_reported_not_judged(serve, into, clock):
    raw = read(serve(Api(lambda *_: as_json([])).app), into, clock, {"path": "/p"})
    assert raw.rows == 0
    assert raw.report.complete
    assert [problem.code for problem in raw.report.problems] == ["empty_answer"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response("<html>login</html>", media_type="text/html"), "html_answer"),
        (Response('[{"id": 1}, {"id"', media_type="application/json"), "cut_json"),
        (as_json({"people": []}), "missing_data"),
        (as_json({"items": None}), "missing_data"),
        (as_json({"items": {"id": 1}}), "not_records"),
        (as_json({"items": [1, 2]}), "not_records"),
        (Response(status_code=302, headers={"Location": "/login"}), "redirect"),
        (as_json({"e": 1}, 404), "http_status"),
        (as_json({"e": 1}, 401), "unauthorized"),
        (as_json({"e": 1}, 403), "unauthorized"),
    ],
)
def test_an_answer_that_is_no_data_is_refused_with_its_reason(serve, into, clock, answer, code):
    api = Api(lambda *_: answer)
    with pytest.raises(SystemUnavailable) as refused:
        read(serve(api.app), into, clock, {"path": "/p", "data": "items"} if code != "cut_json" else {"path": "/p"})
    assert refused.value.code == code
    assert refused.value.remedy
    assert len(api.seen) == 1


def test_a_failed_second_page_is_a_fatal_problem_beside_what_came(serve, into, clock):
    api = Api(lambda _request, n: as_json({"items": page(1), "total": 25}) if n == 1 else Response("<h1>Sorry</h1>"))
    raw = read(serve(api.app), into, clock, NUMBERED)
    assert (raw.rows, raw.report.complete) == (10, False)
    assert raw.report.problems[-1].code == "html_answer"


def test_two_records_with_one_key_on_two_pages_are_the_sources_own_when_they_stay(serve, into, clock):
    of = [*people(1, 12), {"id": 3, "name": "Somebody else"}]
    api = Api(lambda request, _: as_json({"items": page(int(request.query_params["page"]), of=of), "total": 13}))
    raw = read(serve(api.app), into, clock, NUMBERED)
    assert rows(raw) == of
    assert raw.report.complete
    assert [problem.code for problem in raw.report.problems] == ["duplicate_key"]


def test_a_key_that_comes_again_otherwise_each_time_is_drift(serve, into, clock):
    def answer(request: Any, n: int) -> Response:
        of = [*people(1, 12), {"id": 3, "name": f"changed {n}"}]
        return as_json({"items": page(int(request.query_params["page"]), of=of), "total": 13})

    raw = read(serve(Api(answer).app), into, clock, NUMBERED)
    assert raw.report.problems[-1].code == "page_drift"
    assert not raw.report.complete
