"""Reads the stack file: YAML, presets merged under it, `${NAME}` or `${NAME:-default}` from the environment, models checked."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hrorch_pipelines.stack.errors import Fault, StackFaults
from hrorch_pipelines.stack.models import Stack

PRESETS = Path(__file__).parent.parent / "systems" / "presets"
_VARIABLE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)(?::-([^}]*))?\}")


def load_stack(path: Path | str, env: Mapping[str, str] | None = None) -> Stack:
    """Load and check a stack file. Raises StackFaults with every fault at once."""
    source = Path(path)
    env = os.environ if env is None else env
    content = yaml.safe_load(source.read_text(encoding="utf-8"))
    content["systems"] = {name: _with_preset(system, source.parent) for name, system in content["systems"].items()}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    missing: set[str] = set()
    filled = _fill(content, env, missing)
    if missing:
        raise StackFaults(
            [Fault(str(source), 1, name, "is not set in the environment", f"export {name}=…") for name in sorted(missing)]
        )
    stack = Stack.model_validate(filled)
    stack._folder, stack._hash = source.parent, digest  # noqa: SLF001
    return stack


def _with_preset(system: dict[str, Any], folder: Path) -> dict[str, Any]:
    name = system.get("preset")
    if not name:
        return system
    own = folder / "presets" / f"{name}.yaml"
    preset = own if own.exists() else PRESETS / f"{name}.yaml"
    return _merge(yaml.safe_load(preset.read_text(encoding="utf-8")), system)


def _merge(under: Any, over: Any) -> Any:
    """`over` wins; mappings merge key by key, anything else is replaced. `null` removes a key of the preset."""
    if isinstance(under, dict) and isinstance(over, dict):
        merged = {key: _merge(under[key], over[key]) if key in under and key in over else under.get(key, over.get(key)) for key in {**under, **over}}
        return {key: value for key, value in merged.items() if value is not None}
    return over


def _fill(value: Any, env: Mapping[str, str], missing: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, env, missing) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, env, missing) for item in value]
    if isinstance(value, str):
        missing.update(name for name, default in _VARIABLE.findall(value) if name not in env and f"${{{name}:-" not in value)
        return _VARIABLE.sub(lambda found: env.get(found[1], found[2] or ""), value)
    return value
