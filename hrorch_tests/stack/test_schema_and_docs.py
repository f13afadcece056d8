"""The editors' schema and the reference say what the loader does: current, accepting the examples, refusing what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from hrorch_pipelines.stack import docs, schema, systems
from hrorch_pipelines.stack.mapping import Field_
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.shape import keys_of
from hrorch_tests.stack.conftest import VALID, spoilt

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "data" / "stack.yaml", ROOT / "docs" / "examples" / "two-files" / "stack.yaml"]
EXAMPLES = re.findall(r"```yaml (\w+)\n(.*?)```", docs.as_text(), re.DOTALL)


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema.Draft202012Validator.check_schema(schema.stack_schema())
    return jsonschema.Draft202012Validator(schema.stack_schema())


@pytest.mark.parametrize(("name", "text"), [("stack-file.md", docs.as_text()), ("stack.schema.json", schema.as_text())])
def test_what_is_generated_is_current(name: str, text: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, "run: python -m hrorch_pipelines.stack.docs"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_schema_accepts_what_loads(validator: Any, path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(content)] == []


def content_of(text: str) -> Any:
    """YAML as an editor takes it: dates are text (YAML 1.2), which PyYAML does not do by itself."""
    return yaml.safe_load(re.sub(r"(\d{4}-\d\d-\d\d)", r"'\1'", text))


def test_the_schema_accepts_the_small_file(validator: Any) -> None:
    assert [error.message for error in validator.iter_errors(content_of(VALID))] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schedule:", "schedul:"),
        ("connector: files", "connector: file"),
        ("key: EmpNo", "kee: EmpNo"),
        ("{path: payroll.csv}", "{table: payroll}"),
        ("max_age: 2h", "max_age: long"),
        ("{attributes: [employee_number], ", "{attributes: employee_number, "),
        ("personal: {worker: hris, ", "personal: {worker: [hris], "),
        ("type: integer", "type: int"),
        ("{rule: required, ", "{rule: needed, "),
        ("take: 0", "take: first"),
    ],
)
def test_the_schema_refuses_what_the_models_refuse(validator: Any, old: str, new: str) -> None:
    content = content_of(spoilt(old, new)[0])
    assert list(validator.iter_errors(content))


@pytest.mark.parametrize(
    "place", ["take: 0", "max_age: 2h", "connector: files", "type: integer", "min_rows: 1}", "version: 1"]
)
def test_the_schema_lets_the_environment_stand_for_any_value(validator: Any, place: str) -> None:
    key, _, rest = place.partition(": ")
    closing = "}" if rest.endswith("}") else ""
    content = content_of(spoilt(place, key + ": '${NAME:-x}'" + closing)[0])
    assert [error.message for error in validator.iter_errors(content)] == []


def test_every_key_has_a_meaning_in_the_reference() -> None:
    models: list[type[BaseModel]] = [model for section in docs.SECTIONS for model in section.models]
    silent = [
        f"{model.__name__}.{key}" for model in models for key, field in keys_of(model).items() if not field.description
    ]
    assert silent == []


def test_every_model_of_the_file_is_in_the_reference() -> None:
    shown = {model.__name__ for section in docs.SECTIONS for model in section.models}
    known = {
        name
        for name in Stack.model_json_schema()["$defs"]
        if name not in {"AttributeType", "Sensitivity", "SystemKind"}
    }
    assert known <= shown


@pytest.mark.parametrize(("kind", "text"), EXAMPLES, ids=[kind for kind, _ in EXAMPLES])
def test_every_example_of_the_reference_is_what_it_says(kind: str, text: str) -> None:
    content = yaml.load(text, yaml.BaseLoader)  # noqa: S506  text as the loader takes it
    forms: dict[str, Any] = {form.__name__: form for form in (*systems.READS.values(), systems.Webhook)}
    if kind == "fields":
        TypeAdapter(dict[str, Field_]).validate_python(content)
    elif kind == "systems":
        assert set(content) == {"systems"}
        assert set(content["systems"]["hris"]) <= set(keys_of(systems.System))
        systems.System.model_validate(content["systems"]["payroll"])
    elif kind == "Record":
        systems.System.model_validate({"connector": "rest", "base_url": "x", "owner": "a", "records": {"job": content}})
    elif kind in forms:
        forms[kind].model_validate(content)
    else:
        field = Stack.model_fields[kind]
        TypeAdapter(field.annotation).validate_python(content[kind])


def test_there_is_an_example_for_every_section_with_keys() -> None:
    assert {kind for kind, _ in EXAMPLES} >= set(keys_of(Stack)) - {"version"}
