"""A subject access export holds everything about one person and nothing about another; it is logged before it is handed out."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.erase import erase
from hrorch_pipelines.audit.loads import log_stack_load
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.persons import find
from hrorch_pipelines.audit.subject import HASHED, assemble
from hrorch_pipelines.audit.verify import verify
from hrorch_pipelines.cli import erase as _commands  # noqa: F401  (registers its commands)
from hrorch_pipelines.cli.app import app
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, cases
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.storage.warehouse import open_published
from hrorch_tests.audit.people import Company, sqlite_ledger
from hrorch_tests.reports.house import CANARIES, first_day, second_day


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("subject")
    made = Company.begin(folder, sqlite_ledger(folder))
    made.say(*first_day())
    made.say(*second_day(), days=2)
    with made.ledger.write() as con:
        seals, now = Seals(con, made.ledger.home.key(), made.clock.now()), made.clock.now()
        ((person,),) = made.ask("SELECT person_id FROM identity.links WHERE system = 'hris' AND source_id = '113'")
        told = [
            Entry(Action.OBSERVED, person_id=str(person), attribute="job_title", before="Nurse 3", after="Nurse 4b")
        ]
        append(con, seals, told, now, "stack")
        case = {"case_id": "k1", "source": "gate", "rule": "r", "what": "w", "action": "a", "reviewer": "lead"}
        moments = {"detected_at": now, "due_at": now, "last_seen_at": now}
        con.execute(
            cases.insert().values(**case, **moments, system="payroll", source_id="113", state="open", severity="error")
        )
    return made


def actions(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.read() as con:
        rows = con.execute(sa.select(audit_log.c.action, audit_log.c.actor).order_by(audit_log.c.sequence)).all()
    return [(row.action, row.actor) for row in rows]


def run(company: Company, *words: str) -> tuple[int, str]:
    home = str(company.ledger.home.root)
    done = CliRunner().invoke(app, [*words, "--stack", str(company.folder / "stack.yaml"), "--home", home])
    return done.exit_code, done.output + str(done.exception or "")


def test_everything_held_about_a_person_is_told_and_nobody_elses(company: Company) -> None:
    with open_published(company.ledger.home) as con:
        subject = find(con, company.stack, "payroll:113")
        sections = {
            section.title: [dict(zip(section.columns, row, strict=True)) for row in section.rows]
            for section in assemble(company.ledger, con, company.stack, subject, company.clock.now())
        }
    assert [(row["system"], row["source_id"]) for row in sections["Records"]] == [("hris", "113"), ("payroll", "113")]
    last = {row["value"] for row in sections["Values"] if row["attribute"] == "legal_last_name"}
    assert last == {"Last13x"}
    titles = [
        row["value"] for row in sections["Values"] if (row["system"], row["attribute"]) == ("payroll", "job_title")
    ]
    assert titles == ["Nurse 3", "Nurse 4b"], "every version, in order"
    assert {row["value"] for row in sections["Values"] if row["attribute"] == "national_id"} == {HASHED}
    assert {row["attribute"] for row in sections["Purpose and retention"]} == set(company.stack.attributes)
    assert [row["after"] for row in sections["What changed"]] == ["Nurse 4b"]
    assert [row["after"] for row in sections["What was done"]] == ["Nurse 4b"]
    assert [row["action"] for row in sections["Cases"]] == ["a"], "also a case from before the person was known"
    everything = str(sections)
    for other in ("Last11x", "Last12x", CANARIES["name"], CANARIES["faith"]):
        assert other not in everything


def test_an_export_is_logged_and_readable_by_its_owner_only(company: Company, tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    code, said = run(company, "subject", "export", "hris:113", "--by", "lead", "-o", str(file))
    assert code == 0, said
    assert actions(company.ledger)[-1] == ("exported", "lead")
    assert file.stat().st_mode & 0o077 == 0
    content = json.dumps(json.loads(file.read_text(encoding="utf-8")))
    assert "Nurse 4b" in content
    assert "Last13x" in content
    code, _ = run(company, "subject", "export", "hris:113", "--by", "nobody", "-o", str(tmp_path / "other.json"))
    assert code != 0
    assert not (tmp_path / "other.json").exists()


def test_a_reveal_needs_a_name_and_is_logged_before_it_is_shown(company: Company) -> None:
    before = actions(company.ledger)
    code, said = run(company, "explain", "E013", "legal_last_name", "--reveal")
    assert code != 0
    assert "Last13x" not in said
    assert actions(company.ledger) == before
    code, said = run(company, "explain", "E013", "legal_last_name", "--reveal", "--by", "analyst")
    assert "Last13x" in said
    assert actions(company.ledger) == [*before, ("revealed", "analyst")]
    code, said = run(company, "report", "discrepancies", "--reveal", "--by", "lead", "--attribute", "pay_amount")
    with company.ledger.read() as con:
        envelope = con.execute(sa.select(audit_log.c.envelope).order_by(audit_log.c.sequence.desc()).limit(1)).scalar()
    assert json.loads(str(envelope))["detail"]["attributes"] == "pay_amount"
    assert json.loads(str(envelope))["detail"]["rows"] >= 1


def test_a_decision_about_identity_is_logged_with_its_records_and_without_its_reason(company: Company) -> None:
    words = (
        "identity",
        "decide",
        "hris:111",
        "payroll:111",
        "different",
        "--by",
        "analyst",
        "--reason",
        "Ms Secret said",
    )
    code, said = run(company, *words)
    assert code == 0, said
    with company.ledger.read() as con:
        envelope = str(
            con.execute(sa.select(audit_log.c.envelope).order_by(audit_log.c.sequence.desc()).limit(1)).scalar()
        )
    told = json.loads(envelope)
    assert (told["action"], told["actor"]) == ("identity_decided", "analyst")
    assert (told["detail"]["left"], told["detail"]["verdict"]) == ("hris:111", "different")
    assert "Secret" not in envelope
    before = actions(company.ledger)
    code, _ = run(company, "identity", "decide", "hris:nobody", "payroll:111", "same", "--by", "lead", "--reason", "x")
    assert code != 0
    assert actions(company.ledger) == before, "what was refused is not logged as done"


def test_a_stack_file_is_logged_when_it_differs(company: Company) -> None:
    assert log_stack_load(company.ledger, company.stack, company.clock.now())
    assert not log_stack_load(company.ledger, company.stack, company.clock.now())
    company.restack(legal_hold=["hris:1"])
    assert log_stack_load(company.ledger, company.stack, company.clock.now())
    company.restack()


def test_the_commands_erase_show_and_let_in_again(company: Company, tmp_path: Path) -> None:
    copied = Company.copy(company, tmp_path, sqlite_ledger(tmp_path))
    code, said = run(copied, "retention", "show")
    assert code == 0, said
    code, said = run(copied, "erase", "hris:113", "--by", "lead", "--reason", "ticket 1", "--yes")
    assert code == 0, said
    assert "Still in hris, payroll" in said
    assert "Last13x" not in said
    code, said = run(copied, "subject", "readmit", "hris:113", "--by", "lead", "--reason", "rehired")
    assert code == 0, said
    code, said = run(copied, "subject", "readmit", "hris:113", "--by", "lead", "--reason", "rehired")
    assert code == 1, said
    assert [action for action, _ in actions(copied.ledger)] == ["erased", "readmitted"]
    with copied.ledger.read() as con:
        verdict = verify(con, seals=Seals(con, copied.ledger.home.key(), copied.clock.now()))
    assert verdict.faults == ()


def test_the_log_verifies_with_its_seals_after_an_erasure(company: Company, tmp_path: Path, ledger: Ledger) -> None:
    copied = Company.copy(company, tmp_path, ledger)
    ((person,),) = copied.ask("SELECT person_id FROM identity.links WHERE system = 'hris' AND source_id = '113'")
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), copied.clock.now())
        told = [Entry(Action.OBSERVED, person_id=name, before="a", after="b") for name in (str(person), "p-other")]
        append(con, seals, told, copied.clock.now(), "stack")
    erase(copied.places(), "hris:113", by="lead", reason="ticket 2")
    with ledger.read() as con:
        verdict = verify(con, seals=Seals(con, ledger.home.key(), copied.clock.now()))
    assert (verdict.faults, verdict.entries, verdict.values) == ((), 3, 2), (
        "the other's values are still there, and right"
    )


def test_the_weekly_job_destroys_by_the_same_steps(company: Company, tmp_path: Path) -> None:
    from hrorch_pipelines.snapshots.schedules import retention, retention_job, retention_schedule
    from hrorch_pipelines.workplace import Workplace

    copied = Company.copy(company, tmp_path, sqlite_ledger(tmp_path))
    places = copied.places()
    workplace = Workplace(copied.stack, places.home, copied.clock, places.warehouse)
    done = dg.materialize([retention], resources={"workplace": workplace})
    assert done.success
    schedule = retention_schedule(copied.stack)
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 3 * * 0", "America/Chicago")
    assert retention_job().name == schedule.job_name
