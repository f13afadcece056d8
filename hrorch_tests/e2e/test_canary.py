"""Personal data stays where the data lives: Dagster's own files, logs, console output, documents and manifests hold none of it.

Canary values are planted where every kind of failure would quote them; then every byte that was written elsewhere is searched.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from hrorch_tests.e2e.company import REPOSITORY, Exports, environment, write_csv
from hrorch_tests.e2e.searching import places_that_hold

CANARIES = {
    "last name": ["Quetzalcoatlini", "Xochipillimar", "Wenceslavskaya"],
    "e-mail": ["zq.canary.7f3a", "zq.canary.8c1d"],
    "national id": ["078-05-1120", "078051120", "219-09-9999", "219099999"],
    "pay": ["91357.13", "91,357.13", "9135713", "86420.97"],
    "birth date": ["1951-12-29", "29.12.1851", "12/29/1951"],
    "free text": ["Kanarienvogelstrasse", "kanarienhalb"],
    "credentials": ["hush-token-canary", "hush-password-canary"],
}
DATA = {".parquet", ".duckdb", ".wal"}
"""Where the data lives: the snapshots and the warehouse themselves."""


@dataclass
class Ran:
    """What is left after a day on which everything went wrong."""

    exports: Exports
    home: Path
    dagster_home: Path
    outputs: dict[str, str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Two runs through the command and through `dagster`, with bad records, crashing rules and broken systems."""
    folder = tmp_path_factory.mktemp("canary")
    exports = Exports(folder, systems=("hris", "payroll", "badge", "halved", "torn"), people=30)
    stack, home, dagster_home = write_world(exports), folder / "home", folder / "dagster-home"
    dagster_home.mkdir()
    env = environment(
        stack, home, DAGSTER_HOME=str(dagster_home), TOKEN="hush-token-canary", PASSWORD="hush-password-canary"
    )
    hrorch = [str(Path(sys.executable).with_name("hrorch"))]
    dagster = [sys.executable, "-m", "dagster", "job", "execute", "-m", "hrorch_pipelines.definitions", "-j"]
    outputs = {
        "hrorch run": told([*hrorch, "run"], env),
    }
    exports.put("hris", [*canary_rows(exports), *(clash(n) for n in range(60))])
    outputs["extract, too many"] = told([*dagster, "extract_hris"], env)
    outputs["cycle, refused"] = told([*dagster, "cycle"], env)
    return Ran(exports, home, dagster_home, outputs)


def told(command: list[str], env: dict[str, str]) -> str:
    """What a command prints, both streams."""
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def canary_rows(exports: Exports) -> list[dict[str, str]]:
    """Good people and, among them, canaries that every stage stumbles over."""
    rows = exports.rows()
    rows[0] |= {
        "legal_last_name": "Quetzalcoatlini",
        "work_email": "zq.canary.7f3a@small.example",
        "national_id": "078-05-1120",
    }
    rows[0] |= {"pay_amount": "91357.13", "date_of_birth": "1951-12-29"}
    rows[1] |= {
        "legal_last_name": "Xochipillimar",
        "pay_amount": "86420.97",
        "date_of_birth": "29.12.1851",
    }  # unreadable
    rows[2] |= {
        "legal_last_name": "Wenceslavskaya",
        "national_id": "219-09-9999",
        "employee_number": "",
    }  # fails `required`
    rows[3] |= {"id": "", "work_email": "zq.canary.8c1d@small.example"}  # no key
    rows[5] |= {"id": rows[4]["id"], "department": "Kanarienvogelstrasse"}  # one id, two people
    rows[10] |= {"legal_last_name": "Wenceslavskaya", "pay_amount": "86420.97"}  # passes
    return rows


def clash(n: int) -> dict[str, str]:
    """Somebody who was never there before."""
    return {
        "id": f"9{n:03}",
        "employee_number": f"K{n}",
        "legal_last_name": "Quetzalcoatlini",
        "work_email": f"zq.canary.8c1d.{n}@small.example",
        "date_of_birth": "1951-12-29",
        "start_date": "2020-01-01",
        "department": "Kanarienvogelstrasse",
        "pay_amount": "91357.13",
        "national_id": "219-09-9999",
    }


def write_world(exports: Exports) -> Path:
    """The exports and their stack: good ones with canaries, and systems that break on them."""
    exports.put("hris", canary_rows(exports))
    payroll = canary_rows(exports)
    payroll[0] |= {
        "pay_amount": "91375.13",
        "legal_last_name": "Quetzalcoatlina",
        "work_email": "zq.canary.8c1d@small.example",
    }
    # Passes every gate and disagrees.
    payroll[10] |= {"legal_last_name": "Xochipillimar", "pay_amount": "91375.13"}
    # The number of one person with everything of another: goes to a reviewer.
    payroll[7] |= {"legal_last_name": "Xochipillimar", "date_of_birth": "1951-12-29"}
    payroll[7] |= {"work_email": "zq.canary.8c1d.other@small.example"}
    exports.put("payroll", payroll)
    exports.put("badge", canary_rows(exports))
    halved = exports.file("halved").with_name("people.json")
    halved.parent.mkdir(parents=True)
    text = json.dumps([{"id": "1", "legal_last_name": "Quetzalcoatlini", "pay_amount": "91357.13"}] * 3)
    halved.write_text(text[: len(text) * 2 // 3] + ' "kanarienhalb', encoding="utf-8")
    torn = exports.folder / "exports" / "torn.db"
    with closing(sqlite3.connect(torn)) as con, con:
        con.execute("CREATE TABLE people (id TEXT, legal_last_name TEXT, pay_amount TEXT)")
        con.execute("INSERT INTO people VALUES ('1', 'Quetzalcoatlini', '91357.13')")
    return exports.stack(
        attributes__department={"data_type": "employment", "type": "text"},
        systems__badge__records__worker__fields__department={
            "from": "department",
            "sql": "CAST(CAST(field('pay_amount') AS INTEGER) + CAST(field('legal_last_name') AS INTEGER) AS VARCHAR)",
        },
        systems__halved__records__worker__read={"path": "people.json"},
        systems__torn={
            "connector": "sql",
            "base_url": f"sqlite:///{torn}",
            "owner": "kim",
            "records": {
                "worker": {
                    # A query whose failure names the value it stumbles over.
                    "read": {"query": "SELECT id, json_extract(legal_last_name, '$.x') AS legal_last_name FROM people"},
                    "key": "id",
                    "fields": {"legal_last_name": "legal_last_name"},
                }
            },
        },
        systems__api={
            "connector": "rest",
            "base_url": "http://127.0.0.1:9",
            "credentials": {"token": "${TOKEN}", "password": "${PASSWORD}"},
            "connection": {
                "auth": {"type": "bearer", "token": "{token}"},
                "retries": 0,
                "headers": {"X-Pass": "{password}"},
            },
            "owner": "kim",
            "records": {
                "worker": {"read": {"path": "/people"}, "key": "id", "fields": {"legal_last_name": "legal_last_name"}}
            },
        },
        gates={
            "hris.worker": [
                {"rule": "required", "attribute": "employee_number"},
                {"rule": "range", "attribute": "date_of_birth", "min": "1952-01-01"},
                {"rule": "pattern", "attribute": "work_email", "pattern": "^worker"},
                {"rule": "one_of", "attribute": "department", "values": ["Radiology", "Surgery", "Nursing"]},
                {"expect": "volume", "max_rows": 50},
                {"expect": "unique", "attribute": "legal_last_name", "severity": "warning"},
                {"expect": "drift", "attribute": "department", "at_most": 0.01, "severity": "warning"},
            ],
            "payroll.worker": [
                {"rule": "sql", "sql": "CAST(legal_last_name AS INTEGER) > 0", "id": "crashes", "severity": "warning"},
                {"rule": "unique", "attribute": "national_id"},
                {"expect": "completeness", "attribute": "legal_last_name", "at_least": "100%", "severity": "warning"},
            ],
        },
        matching={
            "keys": [
                {"attributes": ["employee_number"], "confirm": ["legal_last_name", "date_of_birth"]},
                {"attributes": ["work_email"], "confirm": ["legal_last_name"]},
            ]
        },
    )


def test_the_day_went_as_badly_as_intended(ran: Ran) -> None:
    import duckdb

    with duckdb.connect(str(ran.home / "published" / "hrorch.duckdb"), read_only=True) as con:
        kinds = dict(con.execute("SELECT kind, count(*) FROM gates.quarantine GROUP BY kind").fetchall())
        rules = {row[0] for row in con.execute("SELECT DISTINCT rule_id FROM gates.quarantine").fetchall()}
        assert kinds["bad_data"] >= 4
        assert kinds["gate_error"] >= 1
        assert {"employee_number-required", "crashes"} <= rules
        assert con.execute("SELECT count(*) FROM identity.reviews WHERE closed_at IS NULL").fetchone() != (0,)
        assert con.execute("SELECT count(*) FROM reconcile.discrepancies WHERE cause IS NOT NULL").fetchone() != (0,)
    for system in ("halved", "torn", "api"):
        assert list((ran.home / "untrusted" / system).iterdir()), system
    assert "RUN_SUCCESS" in ran.outputs["extract, too many"]
    assert "RUN_FAILURE" in ran.outputs["cycle, refused"]
    stored = list(ran.dagster_home.rglob("*"))
    assert any(path.name == "runs.db" for path in stored), "Dagster did not write where it was told to"
    assert any("compute_logs" in path.parts for path in stored)


@pytest.mark.parametrize("kind", CANARIES)
def test_dagster_stores_no_personal_value(ran: Ran, kind: str) -> None:
    assert places_that_hold(ran.dagster_home, CANARIES[kind]) == []


@pytest.mark.parametrize("kind", CANARIES)
def test_nothing_that_is_printed_names_a_personal_value(ran: Ran, kind: str) -> None:
    quoted = [
        (command, canary) for command, output in ran.outputs.items() for canary in CANARIES[kind] if canary in output
    ]
    assert quoted == []


@pytest.mark.parametrize("kind", CANARIES)
def test_manifests_documents_and_reports_name_no_personal_value(ran: Ran, kind: str) -> None:
    manifests = list(ran.home.rglob("manifest.json"))
    assert len(manifests) >= 7
    assert list((ran.home / "data_docs").rglob("*.html"))
    assert (ran.home / "published" / "report.html").exists()
    assert places_that_hold(ran.home, CANARIES[kind], except_for=DATA) == []


def test_file_names_name_no_personal_value(ran: Ran) -> None:
    names = [str(path) for root in (ran.home, ran.dagster_home) for path in root.rglob("*")]
    assert [name for name in names for canaries in CANARIES.values() for canary in canaries if canary in name] == []


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    canary = "Quetzalcoatlini"
    (tmp_path / "plain.log").write_text(f"x {canary} y", encoding="utf-8")
    (tmp_path / "wide.txt").write_text(canary, encoding="utf-16")
    (tmp_path / "packed.gz").write_bytes(gzip.compress(canary.encode()))
    (tmp_path / "escaped.json").write_text(json.dumps({"a": {"b": json.dumps(canary)}}), encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "store.db")) as con, con:
        con.execute("CREATE TABLE t (body TEXT)")
        # Long enough to spill over several pages, so that no page holds the whole word by chance.
        con.executemany(
            "INSERT INTO t VALUES (?)", [["x" * (4096 * n - 40 - n) + canary + "y" * 9000] for n in range(1, 40)]
        )
    assert {Path(place).name for place in places_that_hold(tmp_path, [canary])} == {
        "plain.log", "wide.txt", "packed.gz", "escaped.json", "store.db",
    }  # fmt: skip
    assert places_that_hold(tmp_path, ["nobody"]) == []
    assert places_that_hold(tmp_path, [canary], except_for={".log", ".txt", ".gz", ".json", ".db"}) == []


def test_write_csv_writes_what_the_tests_search_for(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [{"name": "Quetzalcoatlini"}])
    assert places_that_hold(tmp_path, CANARIES["last name"]) == [str(tmp_path / "a.csv")]
