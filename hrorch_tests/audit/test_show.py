"""The log is found by whatever one knows, masked unless somebody with a name looks, and handed out so that others can prove it."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hrorch_pipelines.audit import observed
from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.export import export
from hrorch_pipelines.audit.show import EXPIRED, first_from, show
from hrorch_pipelines.audit.told import Wanted
from hrorch_pipelines.cli.audit import audit_app
from hrorch_pipelines.reports.safe import neutral
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.warehouse import Warehouse, open_published, publish
from hrorch_tests.audit.people import Company, sqlite_ledger
from hrorch_tests.audit.writing import rows, some, spoil, write
from hrorch_tests.reports.house import first_day, second_day
from hrorch_tests.snapshots.conftest import small_stack

STACK = small_stack()
DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"


def looked(ledger, **wanted):
    return show(ledger, STACK, Wanted(**wanted))


@pytest.fixture
def week(ledger):
    """Seven days, one entry each, about three persons."""
    people = ["p1", "p2", "p3", "p1", "p2", "p3", "p1"]
    for number, person in enumerate(people):
        write(
            ledger,
            [
                Entry(
                    Action.CONFIRMED if number % 2 else Action.SENT,
                    Actor("person", "dana") if number == 3 else Actor("service", "hrorch", on_behalf_of="dana"),
                    person_id=person,
                    system="hris" if number < 4 else "payroll",
                    attribute="pay_amount" if number < 6 else "national_id",
                    before=None if number == 0 else f"Canary{number}",
                    after=f"Canary{number + 1}",
                    case_id=f"case{number}",
                )
            ],
        )
        ledger.clock.at += timedelta(days=1)
    return ledger.clock.at - timedelta(days=7)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"person": "p1"}, [1, 4, 7]),
        ({"system": "payroll"}, [5, 6, 7]),
        ({"attribute": "national_id"}, [7]),
        ({"actor": "dana"}, [4]),
        ({"action": "confirmed"}, [2, 4, 6]),
        ({"case_id": "case2"}, [3]),
        ({"person": "p1", "system": "hris", "action": "confirmed"}, [4]),
        ({"person": "nobody"}, []),
        ({"limit": 2}, [6, 7]),
    ],
)
def test_entries_are_found_by_what_one_knows(ledger, week, wanted, numbers):
    listing = looked(ledger, **wanted)
    assert [row.sequence for row in listing.rows] == numbers
    assert listing.left_out == (5 if "limit" in wanted else 0)


@pytest.mark.parametrize(("first", "last"), [(0, 7), (2, 5), (3, 3), (6.5, 9), (-1, 0)])
def test_a_time_is_found_by_halving(ledger, week, first, last):
    since, until = week + timedelta(days=first), week + timedelta(days=last)
    expected = [row["sequence"] for row in rows(ledger) if since <= row["at"] < until]
    assert [row.sequence for row in looked(ledger, since=since, until=until).rows] == expected
    with ledger.read() as con:
        assert first_from(con, since) == min([r["sequence"] for r in rows(ledger) if r["at"] >= since], default=8)


def test_values_are_masked_until_somebody_with_a_name_looks(ledger, week):
    assert "Canary" not in repr(looked(ledger))
    before = len(rows(ledger))
    seen = show(ledger, STACK, Wanted(person="p1"), reveal_to="dana")
    assert [(row.before, row.after) for row in seen.rows[:2]] == [("(empty)", "Canary1"), ("Canary3", "Canary4")]
    assert "Canary7" not in repr(seen), "a secret is never shown"
    told = [json.loads(row["envelope"]) for row in rows(ledger)[before:]]
    assert [(t["action"], t["actor"], t["person_id"], t["detail"]["rows"]) for t in told] == [
        ("revealed", "dana", "p1", 3)
    ]


def test_what_is_gone_is_told_as_gone(ledger, week):
    spoil(ledger, "UPDATE person_keys SET wrapped_key = NULL, destroyed_at = made_at WHERE person_id = 'p1'")
    spoil(ledger, "DELETE FROM audit_values WHERE sequence = 2")
    told = {row.sequence: (row.before, row.after) for row in looked(ledger).rows}
    assert told[4] == ("(erased)", "(erased)")
    assert told[2] == (EXPIRED, EXPIRED)
    assert "Canary" not in repr(told)


def program_of_the_document():
    """The ten lines of Python an auditor is given."""
    return re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[1]


@pytest.mark.parametrize("hand", ["nothing", "changed", "dropped"])
def test_an_auditor_proves_an_export_with_the_lines_of_the_document(ledger, tmp_path, hand):
    write(ledger, some(250))
    with ledger.read() as con:
        done = export(con, tmp_path / "audit.jsonl", "jsonl", neutral=neutral)
    assert (done.entries, done.first, done.last, done.previous_hash) == (250, 1, 250, "0" * 64)
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    if hand == "changed":
        lines[99] = lines[99].replace("payroll", "payrolI")
    if hand == "dropped":
        del lines[99]
    (tmp_path / "audit.jsonl").write_text("\n".join(lines) + "\n")
    told = []
    program = program_of_the_document().replace('"audit.jsonl"', repr(str(tmp_path / "audit.jsonl")))
    exec(program, {"print": lambda *words: told.append(" ".join(map(str, words)))})  # noqa: S102
    if hand == "nothing":
        assert told == [f"250 entries, sound; the last hash is {rows(ledger)[-1]['hash']}"]
    else:
        assert told[0].startswith("entry 100" if hand == "changed" else "entry 101")


def test_a_part_can_be_exported_and_starts_where_it_says(ledger, tmp_path):
    write(ledger, some(9))
    with ledger.read() as con:
        done = export(con, tmp_path / "part.csv", "csv", neutral=neutral, first=4, last=6)
    with (tmp_path / "part.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    assert [row["sequence"] for row in told] == ["4", "5", "6"]
    assert done.previous_hash == rows(ledger)[2]["hash"]
    previous = done.previous_hash
    for row in told:
        previous = hashlib.sha256(f"{previous}\n{row['envelope']}".encode()).hexdigest()
        assert previous == row["hash"]
    assert (tmp_path / "part.csv").stat().st_mode & 0o077 == 0


def test_no_cell_of_an_export_is_run_by_a_spreadsheet(ledger, tmp_path):
    write(ledger, [Entry(Action.LINKED, Actor("system", '=HYPERLINK("http://x")'), system="+hris")])
    with ledger.read() as con:
        export(con, tmp_path / "a.csv", "csv", neutral=neutral)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """Two days of a small company, in the log, and published."""
    folder = tmp_path_factory.mktemp("shown")
    made = Company.begin(folder, sqlite_ledger(folder))
    made.say(*first_day())
    made.say(*second_day(), days=2)
    cycle = Cycle("cycle-shown", made.clock.now(), made.clock.now().date())
    with Warehouse(made.ledger.home, made.clock).write() as con:
        assert observed.record(made.ledger, con, made.stack, cycle) >= 4
    publish(made.ledger.home)
    write(made.ledger, some(3))
    return made


def run(company, *words):
    places = ["--stack", str(company.folder / "stack.yaml"), "--home", str(company.ledger.home.root)]
    done = CliRunner().invoke(audit_app, [*words, *places])
    failed = done.exception if not isinstance(done.exception, SystemExit) else None
    return done.exit_code, done.output + (str(failed) if failed else "")


def test_what_systems_told_of_a_person_is_shown_with_the_log(company):
    with open_published(company.ledger.home) as con:
        ((system, source_id),) = con.execute(
            "SELECT system, coalesce(parent_id, source_id) FROM history.changes WHERE kind = 'updated' ORDER BY ALL LIMIT 1"
        ).fetchall()
        expected = con.execute(
            """SELECT system, attribute FROM history.changes WHERE (system, coalesce(parent_id, source_id)) IN (
                   SELECT (system, source_id) FROM identity.links WHERE person_id = (
                       SELECT person_id FROM identity.links WHERE system = ? AND source_id = ?)) ORDER BY ALL""",
            [system, source_id],
        ).fetchall()
        listing = show(company.ledger, company.stack, Wanted(person=f"{system}:{source_id}"), con=con)
    told = [row for row in listing.rows if row.sequence is None]
    assert expected
    assert sorted((row.system, row.attribute) for row in told) == expected
    assert len({row.person_id for row in told}) == 1
    with open_published(company.ledger.home) as con:
        titles = show(company.ledger, company.stack, Wanted(attribute="job_title"), con=con).rows
        changed = con.execute("SELECT count(*) FROM history.changes WHERE attribute = 'job_title'").fetchall()
    assert len(titles) == changed[0][0] > 0


def test_the_command_shows_masked_and_asks_who_wants_more(company):
    code, said = run(company, "show", "--attribute", "pay_amount", "--format", "json")
    assert code == 0
    assert "4.00" not in said
    assert '"confirmed"' in said
    code, said = run(company, "show", "--reveal")
    assert code != 0
    assert "--by" in said
    before = len(rows(company.ledger))
    who = next(iter(company.stack.people))
    code, said = run(company, "show", "--attribute", "pay_amount", "--reveal", "--by", who, "--format", "json")
    assert code == 0
    assert "4.00" in said
    assert len(rows(company.ledger)) > before


def test_the_command_proves_signs_and_hands_out(company, tmp_path):
    who = next(iter(company.stack.people))
    assert run(company, "verify")[0] == 0
    code, said = run(company, "head", "--folder", str(tmp_path))
    assert code == 0
    (head,) = tmp_path.glob("audit-head-*.json")
    key = tmp_path / "audit-public-key.pem"
    code, said = run(company, "verify", "--head", str(head), "--public-key", str(key), "--values", "--format", "json")
    assert code == 0
    assert json.loads(said)["values"] == 6
    assert run(company, "export", "--output", str(tmp_path / "out.jsonl"), "--by", "nobody")[0] != 0
    code, said = run(company, "export", "--output", str(tmp_path / "out.jsonl"), "--by", who)
    assert code == 0
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert json.loads(json.loads(lines[-1])["envelope"])["action"] == "exported"
    assert len(lines) == len(rows(company.ledger))


def test_the_command_finds_and_names_what_was_done_to_the_log(company, tmp_path):
    other = Company.copy(company, tmp_path, sqlite_ledger(tmp_path))
    write(other.ledger, some(5))
    assert run(other, "verify")[0] == 1, "a warehouse with other change rows than the log's"
    spoil(other.ledger, "UPDATE audit_log SET actor = 'x' WHERE sequence = 3")
    code, said = run(other, "verify")
    assert code == 1
    assert "entry 3 column" in said
    code, said = run(other, "verify", "--format", "json")
    assert {"kind": "column", "sequence": 3, "until": None, "what": "says otherwise than its envelope: actor"} in (
        json.loads(said)["faults"]
    )
