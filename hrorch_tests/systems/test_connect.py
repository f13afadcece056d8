"""A stack file is enough to point the product at systems it has never seen, whatever they are."""

from __future__ import annotations

import csv
import gzip
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.systems.connect import connector_for
from hrorch_tests.systems.conftest import NOW

EMPLOYEES = Path(__file__).parents[3] / "shared" / "data" / "employees-10k"

STACK: dict[str, Any] = {
    "organization": {"name": "x"},
    "people": {"someone": {"name": "x", "email": "x@x.example"}},
    "attributes": {"last": {"data_type": "personal", "type": "name"}, "pay": {"data_type": "pay", "type": "money"}},
    "stages": {"worker": {"present_in": ["hris"]}},
    "authority": {"personal": {"worker": "hris"}, "pay": {"worker": "payroll"}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A database of people and a gzipped export of salaries, as two systems would hold them."""
    if not EMPLOYEES.exists():
        pytest.skip("the sample data set is not at ../shared/data/employees-10k; put it there")
    with gzip.open(EMPLOYEES / "employee.csv.gz", "rt", encoding="utf-8", newline="") as file:
        header, *people = csv.reader(file)
    with sqlite3.connect(tmp_path / "hr.db") as con:
        con.execute(f"CREATE TABLE employee ({', '.join(header)})")
        con.executemany(f"INSERT INTO employee VALUES ({', '.join('?' * len(header))})", people)
    con.close()
    (tmp_path / "salary.csv.gz").write_bytes((EMPLOYEES / "salary.csv.gz").read_bytes())
    salary = {
        "read": {"path": "salary*.csv.gz"},
        "key": "emp_no",
        "effective": {"from": "from_date", "to": "to_date"},
        "fields": {"pay": {"from": "amount", "currency": "USD"}},
    }
    employee = {"read": {"table": "employee"}, "key": "emp_no", "fields": {"last": "last_name"}}
    systems = {
        "hris": {
            "connector": "sql",
            "base_url": "sqlite:///hr.db",
            "owner": "someone",
            "records": {"employee": employee},
        },
        "payroll": {"connector": "files", "base_url": ".", "owner": "someone", "records": {"salary": salary}},
    }
    (tmp_path / "stack.yaml").write_text(yaml.safe_dump({**STACK, "systems": systems}))
    return tmp_path


@pytest.mark.parametrize(("system", "record", "rows"), [("hris", "employee", 10_000), ("payroll", "salary", 94_917)])
def test_a_database_and_an_export_of_ten_thousand_people(folder, into, clock, system, record, rows):
    connector = connector_for(load_stack(folder / "stack.yaml", {}), system, clock)
    connector.check()
    raw = connector.read(record, into=into, until=NOW)
    assert raw.report.complete, raw.report.problems
    table = pq.read_table(raw.path)
    assert raw.rows == table.num_rows == rows
    assert table.column("_line").null_count == 0
    assert all(kind == "string" for kind in map(str, table.schema.types[1:]))
