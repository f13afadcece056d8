"""The JSON Schema of the stack file, for editors: made from the models, short forms, `${NAME}` and presets included."""

from __future__ import annotations

import copy
import json
from typing import Any

from hrorch_pipelines.stack.models import Stack

Schema = dict[str, Any]

_ENVIRONMENT = "FromEnvironment"
_OVER = "OverPreset"
_READS = {"rest": "RestRead", "files": "FileRead", "sql": "SqlRead", "scim": "ScimRead"}


def stack_schema() -> Schema:
    """JSON Schema (2020-12) that accepts what `load_stack` accepts, as far as a schema can know it."""
    schema = Stack.model_json_schema(mode="validation", by_alias=True)
    definitions: dict[str, Schema] = schema["$defs"]
    _soften(schema)
    for name, definition in definitions.items():
        _soften(definition)
        definitions[name] = _value(definition)
    over = _over_preset(definitions)
    definitions["System"] = _by_connector(definitions["System"])
    over["System"] = _by_connector(over["System"], suffix=_OVER)
    definitions |= {f"{name}{_OVER}": definition for name, definition in over.items()}
    named = schema["properties"]["systems"]["patternProperties"]
    for pattern in named:
        named[pattern] = {
            "if": {"required": ["preset"]},
            "then": {"$ref": f"#/$defs/System{_OVER}"},
            "else": {"$ref": "#/$defs/System"},
        }
    definitions[_ENVIRONMENT] = {
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
        "description": "From the environment: ${NAME} or ${NAME:-default}.",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "HRORCH stack file",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def as_text() -> str:
    """The schema as it lies in docs/stack.schema.json."""
    return json.dumps(stack_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _soften(node: Any, *, key: str = "") -> None:
    """In place: any of several forms is enough, `${NAME}` may stand for any single value, text may be written unquoted."""
    if isinstance(node, list):
        for position, item in enumerate(node):
            node[position] = _value(item) if key in {"anyOf", "prefixItems"} else item
            _soften(item)
    if not isinstance(node, dict):
        return
    node.pop("title", None)
    if "oneOf" in node:
        node["anyOf"] = node.pop("oneOf")
    for name, item in list(node.items()):
        if name == "properties":
            for part, inner in item.items():
                item[part] = _value(inner)
                _soften(inner)
        elif name in {"items", "additionalProperties"} and isinstance(item, dict):
            node[name] = _value(item)
            _soften(item)
        elif name not in {"$defs", "default", "propertyNames", "patternProperties", "enum", "required", "const"}:
            _soften(item, key=name)
    for pattern, item in node.get("patternProperties", {}).items():
        node["patternProperties"][pattern] = _value(item)
        node["additionalProperties"] = False
        _soften(item)


def _value(node: Schema) -> Schema:
    """A single value, so that it may also come from the environment; plain text may be written as a number or true/false."""
    kind = node.get("type")
    if kind == "string" and not {"enum", "const", "pattern", "format"} & set(node):
        node["type"] = ["string", "number", "boolean"]
        return node
    if kind in ("integer", "number", "boolean") or {"enum", "const", "pattern"} & set(node):
        about: Schema = {key: node.pop(key) for key in ("description", "default") if key in node}
        return {**about, "anyOf": [node, {"$ref": f"#/$defs/{_ENVIRONMENT}"}]}
    return node


def _over_preset(definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Copies of what is reachable from a system, in which nothing is required and `null` takes a key out."""
    reachable: list[str] = []
    waiting = ["System"]
    while waiting:
        name = waiting.pop()
        if name not in reachable:
            reachable.append(name)
            waiting += [found for found in _references(definitions[name]) if found in definitions]
    return {name: _loosened(copy.deepcopy(definitions[name]), set(reachable)) for name in sorted(reachable)}


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for item in node for name in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [str(node["$ref"]).rpartition("/")[2]] if "$ref" in node else []
    return own + [name for item in node.values() for name in _references(item)]


def _loosened(node: Any, copied: set[str]) -> Any:
    if isinstance(node, list):
        return [_loosened(item, copied) for item in node]
    if not isinstance(node, dict):
        return node
    loose = {key: _loosened(value, copied) for key, value in node.items() if key not in {"required", "minProperties"}}
    name = str(node.get("$ref", "")).rpartition("/")[2]
    if name in copied:
        loose["$ref"] = f"#/$defs/{name}{_OVER}"
    for part in ("properties", "patternProperties"):
        if isinstance(loose.get(part), dict):
            loose[part] = {key: {"anyOf": [value, {"type": "null"}]} for key, value in loose[part].items()}
    return loose


def _by_connector(system: Schema, suffix: str = "") -> Schema:
    """Once the connector is said, `read` has that connector's keys only: better completion, better messages."""

    def rule(connector: str, form: str) -> Schema:
        read = {"properties": {"read": {"$ref": f"#/$defs/{form}{suffix}"}}}
        return {
            "if": {"properties": {"connector": {"const": connector}}, "required": ["connector"]},
            "then": {"properties": {"records": {"patternProperties": {"^": read}}}},
        }

    return {**system, "allOf": [rule(connector, form) for connector, form in _READS.items()]}
