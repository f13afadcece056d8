"""What the HRIS is asked and answers fits BambooHR's published specification, where a copy of it is at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from hrorch_tests.sandbox.servers.conftest import Connect

SPEC = Path(__file__).parents[4] / "shared" / "specs" / "bamboohr-openapi.yaml"
SINCE = {"since": "2025-01-01T00:00:00Z"}
PRESET = Path(__file__).parents[3] / "hrorch_pipelines" / "systems" / "presets" / "bamboohr.yaml"
ASKED = [
    ("GET", "/api/v1/employees", {}, {"page[limit]": "5"}, None),
    ("GET", "/api/v1/employees", {}, {"page[limit]": "5", "fields": "workEmail,departmentName"}, None),
    ("GET", "/api/v1/employees", {}, {"page[after]": "void"}, None),
    ("POST", "/api/v1/employees", {}, {}, {"firstName": "New", "lastName": "Person", "hireDate": "2026-07-01"}),
    ("POST", "/api/v1/employees", {}, {}, {"firstName": "", "lastName": ""}),
    ("GET", "/api/v1/employees/{id}", {"id": "3"}, {"fields": "firstName,jobTitle,payRate,birthDate,status"}, None),
    ("GET", "/api/v1/employees/{id}", {"id": "999"}, {}, None),
    ("POST", "/api/v1/employees/{id}", {"id": "3"}, {}, {"lastName": "Changed", "jobTitle": "Lead"}),
    ("POST", "/api/v1/employees/{id}", {"id": "3"}, {}, {"hireDate": "never"}),
    ("POST", "/api/v1/employees/{id}", {"id": "999"}, {}, {"lastName": "Changed"}),
    ("GET", "/api/v1/employees/directory", {}, {"onlyCurrent": "false"}, None),
    ("GET", "/api/v1/employees/changed", {}, SINCE, None),
    ("GET", "/api/v1/employees/changed", {}, {**SINCE, "type": "odd"}, None),
    ("GET", "/api/v1/employees/changed/tables/{table}", {"table": "jobInfo"}, SINCE, None),
    ("GET", "/api/v1/employees/{id}/tables/{table}", {"id": "all", "table": "compensation"}, {}, None),
    ("GET", "/api/v1/employees/{id}/tables/{table}", {"id": "all", "table": "labels"}, {}, None),
    ("POST", "/api/v1/employees/{id}/tables/{table}", {"id": "3", "table": "jobInfo"}, {}, {"date": "2026-07-01"}),
    ("POST", "/api/v1/employees/{id}/tables/{table}", {"id": "3", "table": "jobInfo"}, {}, {"date": "soon"}),
    ("POST", "/api/v1/employees/{id}/tables/{table}/{rowId}", {"id": "3", "table": "jobInfo", "rowId": "3"}, {}, {"location": "Boston"}),
    ("DELETE", "/api/v1/employees/{id}/tables/{table}/{rowId}", {"id": "3", "table": "jobInfo", "rowId": "3"}, {}, None),
    ("GET", "/api/v1/meta/fields", {}, {}, None),
    ("GET", "/api/v1_2/datasets", {}, {}, None),
    ("GET", "/api/v1_2/datasets/{datasetName}/fields", {"datasetName": "employee"}, {}, None),
    ("POST", "/api/v2/datasets/{datasetName}/data", {"datasetName": "employee"}, {}, {"fields": ["id", "ssn"], "page": 2, "pageSize": 5}),
    ("POST", "/api/v2/datasets/{datasetName}/data", {"datasetName": "employee"}, {}, {"fields": ["shoeSize"]}),
    ("POST", "/api/v2/datasets/{datasetName}/data", {"datasetName": "labels"}, {}, {"fields": ["id"]}),
]  # fmt: skip


@pytest.fixture(scope="module")
def spec() -> Any:
    if not SPEC.exists():
        pytest.skip("BambooHR's specification is not at ../shared/specs/bamboohr-openapi.yaml beside the repository")
    return yaml.load(SPEC.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def test_every_request_and_answer_fits_the_specification(spec: Any, connect: Connect) -> None:
    client, checked = connect("hris"), 0
    for method, path, places, query, body in ASKED:
        operation = spec["paths"][path][method.lower()]
        parameters = {one["name"]: one for one in (_resolved(spec, part) for part in operation.get("parameters", []))}
        assert {name.partition("[")[0] for name in query} <= set(parameters), (method, path)
        if body is not None:
            sent = _resolved(spec, operation["requestBody"])["content"]["application/json"]["schema"]
            assert _faults(spec, sent, body) == [] or body == {"firstName": "", "lastName": ""}
        answer = client.request(method, path.format(**places), params=query, json=body)
        assert str(answer.status_code) in operation["responses"], (method, path, answer.status_code)
        told = _resolved(spec, operation["responses"][str(answer.status_code)])
        schema = told.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            assert answer.content == b"" or "problem" in str(told), (method, path)
        elif answer.content:
            assert _faults(spec, schema, answer.json()) == [], (method, path)
            checked += 1
    assert checked >= 14


def test_the_check_itself_notices_what_does_not_fit(spec: Any) -> None:
    schema = spec["paths"]["/api/v1/employees"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert _faults(spec, schema, {"data": [{"employeeId": 3}], "meta": {}, "_links": {}})


def test_the_preset_asks_only_what_the_specification_offers(spec: Any) -> None:
    preset = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    known = set(spec["paths"])
    for record in preset["records"].values():
        path = record["read"]["path"]
        general = path.replace("/all/tables/", "/{id}/tables/")
        for table in ("jobInfo", "compensation", "employmentStatus"):
            general = general.replace(f"/tables/{table}", "/tables/{table}")
        general = general.replace("/datasets/employee/", "/datasets/{datasetName}/")
        assert general in known, path


def _resolved(spec: Any, part: Any) -> Any:
    while "$ref" in part:
        found = spec
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        part = found
    return part


def _faults(spec: Any, schema: Any, content: Any) -> list[str]:
    registry = Registry().with_resource("urn:spec", DRAFT202012.create_resource(spec))
    rooted = _rooted(schema)
    return [
        f"{list(one.absolute_path)}: {one.validator}"
        for one in Draft202012Validator(rooted, registry=registry).iter_errors(content)
    ]


def _rooted(schema: Any) -> Any:
    """The schema with references that lead into the whole specification."""
    if isinstance(schema, dict):
        return {
            name: f"urn:spec{value}" if name == "$ref" and value.startswith("#") else _rooted(value)
            for name, value in schema.items()
        }
    return [_rooted(part) for part in schema] if isinstance(schema, list) else schema
