"""What the user writes wins over the preset, `null` takes out, and a fault names the file it stands in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.stack.errors import StackFaults
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.presets import PRESETS, _laid
from hrorch_pipelines.stack.tree import Entries, Listing, Node, Place, Scalar
from hrorch_tests.stack.conftest import ENV, VALID
from hrorch_tests.stack.test_reading import ROOT, plain

PRESET = """\
connector: rest
connection:
  auth: {type: bearer, token: "{token}"}
records:
  person:
    read: {path: /people, params: {state: all}}
    key: ref
    fields: {employee_number: number, last_name: family, department: unit}
"""
OVER = """\
  directory:
    preset: peoplebase
    base_url: https://peoplebase.example
    credentials: {token: "${HRIS_KEY}"}
    owner: lead
    records:
      person:
        read: {params: {state: active}}
        fields: {department: null, last_name: {from: surname}}
"""


def write(folder: Path, over: str = OVER, preset: str = PRESET) -> Path:
    (folder / "presets").mkdir(exist_ok=True)
    (folder / "presets" / "peoplebase.yaml").write_text(preset, encoding="utf-8")
    path = folder / "stack.yaml"
    path.write_text(VALID.replace("attributes:\n", over + "attributes:\n", 1), encoding="utf-8")
    return path


def test_the_user_wins_key_by_key_and_null_takes_out(folder: Path) -> None:
    person = load_stack(write(folder), ENV).systems["directory"].records["person"]
    assert sorted(person.fields) == ["employee_number", "last_name"]
    assert person.fields["last_name"].paths == ["surname"]
    assert person.read.model_dump(include={"path", "params"}) == {"path": "/people", "params": {"state": "active"}}


def test_a_fault_inside_a_preset_names_the_presets_file_and_line(folder: Path) -> None:
    path = write(folder, preset=PRESET.replace("key: ref", "kee: ref"))
    with pytest.raises(StackFaults) as wrong:
        load_stack(path, ENV)
    (fault,) = wrong.value.faults
    assert (Path(fault.file).name, fault.line) == ("peoplebase.yaml", 7)
    assert "did you mean `key`" in fault.remedy


def test_an_edited_preset_is_read_anew(folder: Path) -> None:
    path = write(folder)
    load_stack(path, ENV)
    write(folder, preset=PRESET.replace("/people", "/staff/people"))
    read: Any = load_stack(path, ENV).systems["directory"].records["person"].read
    assert read.path == "/staff/people"


def test_an_unknown_preset_is_told_with_the_nearest(folder: Path) -> None:
    with pytest.raises(StackFaults) as wrong:
        load_stack(write(folder, OVER.replace("preset: peoplebase", "preset: bamboo")), ENV)
    assert any(
        "there is no such preset" in fault.what and "did you mean `bamboohr`" in fault.remedy
        for fault in wrong.value.faults
    )


def test_a_preset_can_never_be_reached_by_a_path(folder: Path) -> None:
    (folder / "elsewhere.yaml").write_text(PRESET, encoding="utf-8")
    with pytest.raises(StackFaults) as wrong:
        load_stack(write(folder, OVER.replace("preset: peoplebase", "preset: ../elsewhere")), ENV)
    assert "there is no such preset" in wrong.value.faults[0].what


def test_every_preset_of_ours_is_used_by_the_example() -> None:
    used = {system.preset for system in load_stack(ROOT / "data" / "stack.yaml", {}).systems.values()}
    assert used == {path.stem for path in PRESETS.glob("*.yaml")}


def test_the_hash_follows_the_preset_and_not_the_environment(folder: Path) -> None:
    path = write(folder)
    first = load_stack(path, ENV).content_hash
    assert load_stack(path, {"HRIS_KEY": "another"}).content_hash == first
    write(folder, preset=PRESET.replace("/people", "/staff"))
    assert load_stack(path, ENV).content_hash != first


values = st.recursive(
    st.none() | st.integers(0, 3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abc"), values), st.dictionaries(st.sampled_from("abc"), values))
def test_laying_over_equals_doing_it_key_by_key(under: dict[str, Any], over: dict[str, Any]) -> None:
    """An oracle on plain dicts: copy the preset, then take out, replace or descend, one user key at a time."""

    def slowly(base: Any, own: Any) -> Any:
        if not (isinstance(base, dict) and isinstance(own, dict)):
            return own
        result = dict(base)
        for key, value in own.items():
            if key in base and value is None:
                del result[key]
            elif key in base:
                result[key] = slowly(base[key], value)
            else:
                result[key] = value
        return result

    assert plain(_laid(node(under), node(over))) == slowly(under, over)


def node(value: Any) -> Node:
    place = Place("x", 1)
    if isinstance(value, dict):
        return Entries(place, {key: (place, node(item)) for key, item in value.items()})
    if isinstance(value, list):
        return Listing(place, [node(item) for item in value])
    return Scalar(place, "" if value is None else str(value), value)
