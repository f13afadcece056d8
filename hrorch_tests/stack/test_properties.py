"""However a stack file is spoilt, the loader answers with a stack or with faults, and never with a secret."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.stack.errors import StackFaults
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_tests.drawing import drawn
from hrorch_tests.stack.conftest import ENV, SECRET, VALID

LINES = VALID.splitlines(keepends=True)
JUNK = [
    "null", "[]", "{}", "-1", ".inf", "true", "''", "'x'", "${HRIS_KEY}", "[${HRIS_KEY}, 1]", "{a: ${HRIS_KEY}}", "*x", "&a",
    "!t", "2026-02-30", "99999999999999999999999", "1e999", "\t", "#", ":", "- ", "%", "@", "\u2028", "é", "\\", '"', "{{", "]]",
    "9999999y", "1000000000d", "0s", "{const: a, from: b}", "{rule: required}", "{expect: drift}", "<<: *a", "a.b.c",
]  # fmt: skip


def load(folder: Path, text: str) -> Stack | StackFaults:
    path = folder / "stack.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        return load_stack(path, ENV)
    except StackFaults as wrong:
        return wrong


def assert_sound(outcome: Stack | StackFaults, text: str) -> None:
    if isinstance(outcome, StackFaults):
        lines = text.count("\n") + 2
        assert outcome.faults
        assert all(1 <= fault.line <= lines and fault.what and fault.remedy for fault in outcome.faults), outcome.faults
        assert SECRET not in str(outcome)
        assert "Input should" not in str(outcome)
        assert "pydantic" not in str(outcome)
    else:
        assert SECRET not in outcome.content_hash + repr(outcome.systems["hris"].credentials)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """The valid file with one to four lines or values dropped, doubled, moved, replaced or cut."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        here = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["drop", "double", "swap", "indent", "value", "inside", "cut"]))
        match kind:
            case "drop":
                del lines[here]
            case "double":
                lines.insert(here, lines[draw(st.integers(0, len(lines) - 1))])
            case "swap":
                there = draw(st.integers(0, len(lines) - 1))
                lines[here], lines[there] = lines[there], lines[here]
            case "indent":
                lines[here] = " " * draw(st.integers(0, 6)) + lines[here].lstrip(" ")
            case "value":
                key, colon, _ = lines[here].partition(":")
                lines[here] = f"{key}{colon} {draw(st.sampled_from(JUNK))}\n"
            case "inside":
                at = draw(st.integers(0, max(0, len(lines[here]) - 1)))
                lines[here] = (
                    lines[here][:at] + draw(st.sampled_from(JUNK)) + lines[here][at + draw(st.integers(0, 8)) :]
                )
            case "cut":
                lines[here] = lines[here][: len(lines[here]) // 2] + "\n"
        if not lines:
            break
    return "".join(lines)


@settings(
    max_examples=drawn(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(spoilt())
def test_a_spoilt_file_gives_a_stack_or_faults(folder: Path, text: str) -> None:
    assert_sound(load(folder, text), text)


@settings(max_examples=drawn(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_any_text_at_all_gives_faults(folder: Path, text: str) -> None:
    outcome = load(folder, text)
    assert isinstance(outcome, StackFaults)
    assert_sound(outcome, text)


@pytest.mark.parametrize("seed", range(4))
def test_dropping_any_one_value_is_survived(folder: Path, seed: int) -> None:
    """Every key of the valid file loses its value once (a quarter of them per case): nothing but faults may come of it."""
    chosen = random.Random(seed).sample(range(len(LINES)), len(LINES) // 4)
    for number in chosen:
        key, colon, _ = LINES[number].partition(":")
        text = "".join([*LINES[:number], f"{key}{colon}\n", *LINES[number + 1 :]])
        assert_sound(load(folder, text), text)
