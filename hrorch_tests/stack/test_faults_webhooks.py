"""A webhook that could prove nothing is a fault; a preset's that nobody uses is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrorch_pipelines.stack.errors import StackFaults
from hrorch_pipelines.stack.load import load_with_notes

STACK = """\
organization: {{name: Lakeside}}
people: {{lead: {{name: Ann, email: ann@x.example}}}}
systems:
  payroll:
    {head}
    base_url: https://payroll.example
    credentials: {{{credentials}}}
    owner: lead
    {webhook}
    records: {{{without}worker: {{read: {{path: /people}}, key: id, fields: {{work_email: work_email}}}}}}
attributes: {{work_email: {{data_type: access, type: email, purpose: p, retention: 1y}}}}
stages: {{worker: {{present_in: [payroll]}}}}
authority: {{access: {{worker: payroll}}}}
"""
HMAC = "webhook: {scheme: hmac, signing: {header: X-Signature}}"


def write(folder: Path, credentials: str, webhook: str, *, preset: bool = False) -> Path:
    head, without = ("preset: checkr", "candidate: null, report: null, ") if preset else ("connector: rest", "")
    text = STACK.format(head=head, credentials=credentials, webhook=webhook, without=without)
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    return folder / "stack.yaml"


def test_a_webhook_without_its_secret_is_a_fault_on_its_line(tmp_path: Path) -> None:
    with pytest.raises(StackFaults) as refused:
        load_with_notes(write(tmp_path, "webhok_secret: s", HMAC), {})
    (fault,) = refused.value.faults
    assert (fault.line, fault.where) == (9, "systems.payroll.webhook")
    assert "`secret` names a credential `webhook_secret` that is not there" in fault.what
    assert "did you mean `webhok_secret`" in fault.remedy


def test_a_secret_that_signs_is_used(tmp_path: Path) -> None:
    loaded = load_with_notes(write(tmp_path, "webhook_secret: s", HMAC), {})
    assert [str(note) for note in loaded.notes if "nowhere" in str(note)] == []
    assert loaded.stack.systems["payroll"].webhook is not None


def test_who_spells_too_little_is_told(tmp_path: Path) -> None:
    with pytest.raises(StackFaults, match="needs `signing`"):
        load_with_notes(write(tmp_path, "webhook_secret: s", "webhook: {scheme: hmac}"), {})


def test_a_presets_webhook_may_be_taken_out_or_changed(tmp_path: Path) -> None:
    keys = "api_key: k"
    for webhook, expected in (("webhook: null", None), ("webhook: {every: 5m}", "checkr")):
        found = load_with_notes(write(tmp_path, keys, webhook, preset=True), {}).stack.systems["payroll"].webhook
        assert (found.scheme if found else None) == expected
