"""A signed head, kept outside the ledger, tells what the ledger alone cannot: that all of it was written anew, or cut short."""

from __future__ import annotations

import json
import shutil

import pytest
import sqlalchemy as sa

from hrorch_pipelines.audit import heads
from hrorch_pipelines.audit.assets import sign
from hrorch_pipelines.audit.canonical import canonical
from hrorch_pipelines.audit.errors import AuditBrokenError, HeadError
from hrorch_pipelines.audit.log import GENESIS, HEAD, link
from hrorch_pipelines.audit.verdict import Kind
from hrorch_pipelines.storage.ledger_tables import audit_log, notes
from hrorch_tests.audit.writing import rows, some, spoil, verdict, write


def forge_all(ledger):
    """Somebody who knows how: one entry changed, every hash after it and the note of the end made to fit."""
    previous = GENESIS
    for row in rows(ledger):
        content = json.loads(row["envelope"])
        if content["sequence"] == 2:
            content["attribute"] = row["attribute"] = "job_title"
        envelope = canonical(content)
        previous = link(previous, envelope)
        with ledger.write() as con:
            con.execute(
                sa.update(audit_log)
                .where(audit_log.c.sequence == row["sequence"])
                .values(envelope=envelope, hash=previous, attribute=row["attribute"])
            )
            con.execute(sa.update(notes).where(notes.c.name == HEAD).values(value=f"{row['sequence']} {previous}"))


@pytest.fixture
def signed(ledger, tmp_path):
    write(ledger, some(5))
    file = heads.export(ledger, tmp_path / "outside")
    return heads.load(file, tmp_path / "outside" / heads.PUBLIC_KEY)


def test_a_log_written_anew_is_sound_in_itself_and_not_against_the_head(ledger, signed):
    forge_all(ledger)
    assert verdict(ledger).ok
    assert [fault.kind for fault in verdict(ledger, head=signed).faults] == [Kind.HEAD]


def test_a_log_cut_short_with_its_note_is_missed(ledger, signed):
    spoil(ledger, "DELETE FROM audit_log WHERE sequence > 3")
    spoil(ledger, "UPDATE notes SET value = :v", v=f"3 {rows(ledger)[-1]['hash']}")
    assert verdict(ledger).ok
    (fault,) = verdict(ledger, head=signed).faults
    assert (fault.kind, fault.sequence, fault.until) == (Kind.TRUNCATED, 4, 5)
    spoil(ledger, "DELETE FROM audit_log")
    spoil(ledger, "DELETE FROM notes")
    assert [fault.kind for fault in verdict(ledger, head=signed).faults] == [Kind.TRUNCATED]


def test_what_is_appended_later_does_not_trouble_an_older_head(ledger, signed):
    write(ledger, some(3))
    assert verdict(ledger, head=signed).ok


def test_the_signing_key_is_made_once_and_is_its_owners_alone(ledger, tmp_path):
    heads.export(ledger, tmp_path / "a")
    key = ledger.home.root / "keys" / "audit.ed25519"
    before = key.read_bytes()
    heads.export(ledger, tmp_path / "b")
    assert key.read_bytes() == before
    assert key.stat().st_mode & 0o077 == 0
    assert (tmp_path / "a" / heads.PUBLIC_KEY).read_bytes() == (tmp_path / "b" / heads.PUBLIC_KEY).read_bytes()


@pytest.mark.parametrize("part", ["sequence", "hash", "at", "stack_hash", "exported_at", "signature"])
def test_a_changed_head_proves_nothing(ledger, signed, tmp_path, part):
    (file,) = (tmp_path / "outside").glob("audit-head-*.json")
    content = json.loads(file.read_text())
    content[part] = (
        content[part] + 1 if part == "sequence" else f"{'0' if content[part][0] != '0' else '1'}{content[part][1:]}"
    )
    file.write_text(json.dumps(content))
    with pytest.raises(HeadError, match="signature"):
        heads.load(file, tmp_path / "outside" / heads.PUBLIC_KEY)


def test_a_head_signed_by_another_key_proves_nothing(ledger, signed, tmp_path):
    shutil.rmtree(ledger.home.root / "keys")
    other = heads.export(ledger, tmp_path / "other")
    with pytest.raises(HeadError, match="signature"):
        heads.load(other, tmp_path / "outside" / heads.PUBLIC_KEY)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"sequence": 1}', b"[1]", b"\xff"])
def test_what_is_no_head_is_told_so(ledger, signed, tmp_path, content):
    file = tmp_path / "head.json"
    file.write_bytes(content)
    with pytest.raises(HeadError, match="not written as a head"):
        heads.load(file, tmp_path / "outside" / heads.PUBLIC_KEY)
    with pytest.raises(HeadError, match="no public key"):
        heads.load(file, file)
    with pytest.raises(HeadError, match="cannot be read"):
        heads.load(file, tmp_path / "nowhere")


def test_the_daily_job_proves_before_it_signs(ledger, ledger_home, monkeypatch, tmp_path):
    monkeypatch.setenv("HRORCH_HEADS", str(tmp_path / "elsewhere"))
    write(ledger, some(4))
    assert sign(ledger, ledger_home)["sequence"] == 4
    write(ledger, some(2))
    told = sign(ledger, ledger_home)
    assert (told["sequence"], told["entries"]) == (6, 6)
    forge_all(ledger)
    with pytest.raises(AuditBrokenError):
        sign(ledger, ledger_home)
    assert len(list((tmp_path / "elsewhere").glob("audit-head-*.json"))) == 2


def test_the_head_of_an_empty_log_can_be_kept_too(ledger, tmp_path):
    file = heads.export(ledger, tmp_path)
    head = heads.load(file, tmp_path / heads.PUBLIC_KEY)
    assert (head.sequence, head.hash) == (0, GENESIS)
    write(ledger, some(1))
    assert verdict(ledger, head=head).ok
