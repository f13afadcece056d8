"""Presets fit the example stack, the vendor's specification, the sandbox's servers, and the guide that explains them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb
import pytest
import yaml
from starlette.responses import Response

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.stack.load import PRESETS, load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import RestRead
from hrorch_pipelines.systems.connect import connector_for
from hrorch_pipelines.systems.mapping import map_records
from hrorch_tests.systems.api import Api, as_json

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "data" / "stack.yaml"
SPEC = ROOT.parent / "shared" / "specs" / "bamboohr-openapi.yaml"
GUIDE = ROOT / "docs" / "writing-a-preset.md"


def preset(name: str) -> Any:
    return yaml.safe_load((PRESETS / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["greenhouse", "bamboohr", "gusto", "checkr", "onboarding", "scim"])
def test_a_preset_is_used_by_the_example_and_maps_only_declared_attributes(name):
    stack = load_stack(EXAMPLE, {})
    system = next(system for system in stack.systems.values() if system.preset == name)
    assert set(system.mapped()) <= set(stack.attributes)
    assert sum(len(record.fields) for record in system.records.values()) == len(system.mapped()), (
        "an attribute mapped twice"
    )
    assert all(record.parent in {None, system.base_record} for record in system.records.values())


@pytest.fixture(scope="module")
def spec() -> Any:
    if not SPEC.exists():
        pytest.skip("BambooHR's OpenAPI description is not at ../shared/specs; put bamboohr-openapi.yaml there")
    return yaml.load(SPEC.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def operation(spec: Any, read: dict[str, Any]) -> Any:
    """The documented operation a read uses: its path's parts are literals or parameters of the specification's path."""
    asked = read["path"].split("/")
    for path, operations in spec["paths"].items():
        parts = path.split("/")
        fits = len(parts) == len(asked) and all(a == b or b.startswith("{") for a, b in zip(asked, parts, strict=True))
        if fits and read.get("method", "GET").lower() in operations:
            return operations[read.get("method", "GET").lower()]
    raise AssertionError(f"{read['path']} is not in the specification")


def test_every_bamboohr_request_is_documented_and_not_deprecated(spec):
    for record in preset("bamboohr")["records"].values():
        assert not operation(spec, record["read"]).get("deprecated")


def test_the_bamboohr_dataset_request_and_answer_follow_the_specification(spec):
    read = preset("bamboohr")["records"]["worker"]["read"]
    documented = operation(spec, read)
    body = documented["requestBody"]["content"]["application/json"]["schema"]["properties"]
    page = read["paginator"]
    assert page["in"] == "body"
    assert {*read["body"], page["param"], page["size_param"]} <= set(body)
    assert page["size"] <= body[page["size_param"]]["maximum"]
    answer = documented["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    assert read["data"] == "data[*].fields"
    assert "fields" in answer["data"]["items"]["properties"]
    assert read["total"] == "meta.totalItems"
    assert "totalItems" in answer["meta"]["properties"]


def test_bamboohr_field_names_are_documented_ones(spec):
    worker, job = preset("bamboohr")["records"]["worker"], preset("bamboohr")["records"]["job"]
    schemas = spec["components"]["schemas"]
    known = set(schemas["GetEmployeeResponse"]["properties"]) | set(schemas["EmployeeOptionalField"]["enum"])
    known |= {*schemas["DataRequest"]["properties"]["fields"]["example"], "zipcode", "lastChanged", "lastChangedBy"}
    assert set(worker["read"]["body"]["fields"]) <= known
    used = [field if isinstance(field, str) else field["from"] for field in worker["fields"].values()]
    assert set(used) <= set(worker["read"]["body"]["fields"]), "a field that is mapped but not asked for"
    assert {*job["fields"].values(), "date"} <= set(schemas["TableRowUpdate"]["properties"])


def mapped(stack: Stack, name: str, folder: Path) -> dict[str, tuple[Any, list[dict[str, Any]]]]:
    """Every record type of a system, read and mapped: the raw records and the canonical rows."""
    found = {}
    connector = connector_for(stack, name, SystemClock())
    connector.check()
    for record in stack.systems[name].records:
        raw = connector.read(record, into=folder, until=datetime.now(UTC))
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            out = folder / f"{name}.{record}.parquet"
            map_records(con, stack, name, record, raw, out, b"k" * 32)
            rows = con.execute("SELECT * FROM read_parquet($1) ORDER BY row_id", [str(out)])
            names = [column[0] for column in rows.description]
            found[record] = raw, [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    return found


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from hrorch_pipelines.sandbox.serve import run_sandbox

    with run_sandbox(tmp_path_factory.mktemp("sandbox"), base_port=None, people=60, seed=11) as running:
        yield load_stack(EXAMPLE, running.env)


@pytest.mark.parametrize("name", ["ats", "hris", "payroll", "check", "onboarding", "directory"])
def test_each_sandbox_system_is_read_whole_by_its_preset(sandbox, tmp_path, name):
    for record, (raw, rows) in mapped(sandbox, name, tmp_path).items():
        assert raw.report.complete, (record, raw.report.problems)
        assert rows or raw.rows == 0, record
        assert all(row["source_id"] for row in rows)
        assert raw.report.claimed_rows in {None, raw.rows}
        unreadable = {fault["code"] for row in rows for fault in row["faults"]} - {"out_of_range"}
        assert not unreadable, f"{record}: the preset does not understand the server"


def test_what_gusto_and_bamboohr_withhold_is_hidden(sandbox, tmp_path):
    workers = mapped(sandbox, "payroll", tmp_path)["worker"][1]
    assert all("national_id" in row["hidden"] for row in workers)
    statuses = mapped(sandbox, "hris", tmp_path)["status"][1]
    assert all(("employment_type" in row["hidden"]) == (row["employment_type"] is None) for row in statuses)


BLOCK = re.compile(r"```(\w+) (\w+)(?: (\S+))?\n(.*?)```", re.DOTALL)


def test_the_guides_worked_example_runs_and_gives_the_values_it_shows(serve, tmp_path, into):
    """The guide's own preset, read over HTTP from a server that gives the guide's own answers, and nothing else."""
    guide = GUIDE.read_text(encoding="utf-8")
    blocks = BLOCK.findall(guide)
    answers = {where: json.loads(text) for _, kind, where, text in blocks if kind == "answer"}

    def answer(request: Any, _: int) -> Response:
        if request.headers.get("authorization") != "Bearer guide-token":
            return as_json({}, 401)
        asked = (request.url.path, sorted(request.query_params.items()))
        for where, content in answers.items():
            if asked == (urlsplit(where).path, sorted(parse_qsl(urlsplit(where).query))):
                return as_json(content)
        return as_json({}, 404)

    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "peoplebase.yaml").write_text(next(text for _, kind, _, text in blocks if kind == "preset"))
    content = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    content["systems"] = {"hris": yaml.safe_load(next(text for _, kind, _, text in blocks if kind == "system"))}
    content |= {"stages": {"worker": {"present_in": ["hris"]}}, "presence": {}, "gates": {}}
    content |= {"matching": {}, "authority": {}, "exceptions": {}, "corrections": {}}
    content |= {"lifecycle": {}, "outlets": {}, "handoffs": {}, "screening": {}}
    used = {
        "employee_number",
        "legal_first_name",
        "legal_last_name",
        "work_email",
        "date_of_birth",
        "department",
        "national_id",
        "pay_amount",
    }
    content["attributes"] = {
        name: {key: value for key, value in attribute.items() if key != "required_in"}
        for name, attribute in content["attributes"].items()
        if name in used
    }
    for name in used:
        content["authority"][content["attributes"][name]["data_type"]] = {"worker": "hris"}
    (tmp_path / "stack.yaml").write_text(yaml.safe_dump(content))
    stack = load_stack(
        tmp_path / "stack.yaml", {"PEOPLEBASE_URL": serve(Api(answer).app), "PEOPLEBASE_TOKEN": "guide-token"}
    )
    found = mapped(stack, "hris", into)

    shown = re.findall(r"^\| (person|pay) \| (\S+) \| (.*) \|$", guide, re.MULTILINE)
    told = {(record, key): dict(pair.split("=") for pair in values.split(", ")) for record, key, values in shown}
    read = {
        (record, row["source_id"]): {
            name: str(row[name]) for name in stack.systems["hris"].records[record].fields if row[name] is not None
        }
        for record, (_, rows) in found.items()
        for row in rows
    }
    assert read == told
    assert all(row["hidden"] == ["national_id"] for row in found["person"][1])
    assert [row["parent_id"] for row in found["pay"][1]] == ["p-1", "p-1", "p-2"]
    assert isinstance(stack.systems["hris"].records["person"].read, RestRead)
