"""A database as a target: the row is changed only while it is as it was read, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.protocol import Change, Held, Target, Write, WriteFault
from hrorch_tests.ledger_fixtures import empty_database, postgres_server  # noqa: F401
from hrorch_tests.systems_writing.small_stack import small_stack

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = bytes(range(32))
STAFF = """
CREATE TABLE staff (id INTEGER PRIMARY KEY, email VARCHAR(40) UNIQUE, salary NUMERIC(12,2), per VARCHAR(8),
                    start_day DATE, active BOOLEAN, team VARCHAR(12) NOT NULL, shift VARCHAR(9))
"""
ROWS = """
INSERT INTO staff VALUES (7, 'ann@x.example', 85000.50, 'year', '2024-02-29', true, 'Payroll', NULL),
                         (8, 'bob@x.example', 4000, 'month', '2020-01-01', false, 'Sales', 'late')
"""
TABLE = {
    "key": "id",
    "fields": {
        "work_email": "email",
        "pay_amount": {"from": "salary", "unit_from": "per"},
        "start_date": "start_day",
        "active": "active",
        "department": "team",
        "shift": "shift",
    },
    "write": {"table": "staff"},
}
TYPES = {
    "work_email": "email",
    "pay_amount": "pay",
    "start_date": "date",
    "active": "boolean",
    "department": "text",
    "shift": "text",
}
HISTORY = """
CREATE TABLE jobs (row_no INTEGER PRIMARY KEY {serial}, emp VARCHAR(8), begins DATE, ends DATE, title VARCHAR(20), grade VARCHAR(4))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        (tmp_path / "hr.db").touch()
        return f"sqlite:///{tmp_path / 'hr.db'}"
    return str(request.getfixturevalue("empty_database"))


@pytest.fixture
def database(url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(url)
    with engine.begin() as con:
        con.exec_driver_sql(STAFF)
        con.exec_driver_sql(ROWS)
    yield engine
    engine.dispose()


Opener = Callable[..., Target]


@pytest.fixture
def opened(url: str) -> Iterator[Opener]:
    targets: list[Target] = []

    def opener(record: dict[str, Any] | None = None, *, base_url: str = url, timeout: str = "2s") -> Target:
        declared = {"read": {"table": "staff"}, **TABLE, **(record or {})}
        types = TYPES if record is None or "fields" not in record else dict.fromkeys(record["fields"], "text")
        system = {"connector": "sql", "base_url": base_url, "connection": {"timeout": timeout}}
        target = target_for(small_stack(system, {"worker": declared}, types), "s", SetClock(NOW), KEY)
        targets.append(target)
        return target

    yield opener
    for target in targets:
        target.close()


def write(source_id: str, *changes: tuple[str, str | None, str | None], day: date | None = None) -> Write:
    return Write("s", "worker", source_id, tuple(Change(*change) for change in changes), "key-1", day)


def rows(engine: sa.Engine, table: str = "staff", order: str = "id") -> list[tuple[Any, ...]]:
    with engine.connect() as con:
        return [tuple(row) for row in con.exec_driver_sql(f"SELECT * FROM {table} ORDER BY {order}")]


def execute(engine: sa.Engine, statement: str, *values: Any) -> None:
    with engine.begin() as con:
        con.execute(sa.text(statement), dict(enumerate_names(values)))


def enumerate_names(values: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    return ((f"v{place}", value) for place, value in enumerate(values))


def test_every_type_is_written_and_seen_again_and_nothing_else_changes(database, opened):
    target = opened()
    wanted = (
        ("work_email", "ann@x.example", "ann.lee@x.example"),
        ("pay_amount", "85000.5000", "91000.2500"),
        ("start_date", "2024-02-29", "2024-03-01"),
        ("active", "true", "false"),
        ("department", "Payroll", 'Zoë\'s "team"'),
        ("shift", None, "late"),
    )
    before = rows(database)
    sent = write("7", *wanted)
    held = target.read(sent)
    assert dict(held.values) == {name: old for name, old, _ in wanted}
    target.send(sent, held)
    assert dict(target.read(sent).values) == {name: new for name, _, new in wanted}
    assert rows(database)[1] == before[1]
    with pytest.raises(WriteFault) as again:
        target.send(sent, held)
    assert again.value.outcome == "changed"


def test_a_value_is_emptied_and_an_empty_one_is_compared(database, opened):
    target = opened()
    emptied = write("8", ("shift", "late", None))
    target.send(emptied, target.read(emptied))
    assert target.read(emptied).values == {"shift": None}
    filled = write("7", ("shift", None, "early"))
    held = target.read(filled)
    execute(database, "UPDATE staff SET shift = 'night' WHERE id = 7")
    with pytest.raises(WriteFault) as fault:
        target.send(filled, held)
    assert fault.value.outcome == "changed"
    assert rows(database)[0][-1] == "night"


def test_pay_is_written_per_the_rows_own_unit_and_not_once_the_unit_changed(database, opened):
    target = opened()
    raised = write("8", ("pay_amount", "48000.0000", "60000.0000"))
    held = target.read(raised)
    execute(database, "UPDATE staff SET per = 'year' WHERE id = 8")
    with pytest.raises(WriteFault) as fault:
        target.send(raised, held)
    assert fault.value.outcome == "changed"
    execute(database, "UPDATE staff SET per = 'month' WHERE id = 8")
    target.send(raised, held)
    assert [float(row[2]) for row in rows(database)] == [85000.5, 5000.0]


@pytest.mark.parametrize("source_id", ["9", "007x"])
def test_a_row_that_is_not_there(database, opened, source_id, url):
    target, wanted = opened(), write(source_id, ("department", "Payroll", "Sales"))
    if source_id == "007x" and url.startswith("postgresql"):
        with pytest.raises(WriteFault) as fault:
            target.read(wanted)
        assert fault.value.outcome == "refused"
        assert source_id not in str(fault.value)
        return
    assert target.read(wanted) == Held(found=False)
    with pytest.raises(WriteFault) as fault:
        target.send(wanted, Held(found=False))
    assert fault.value.outcome == "changed"


def test_a_constraint_refuses_without_telling_the_value(database, opened):
    target = opened()
    taken = write("7", ("work_email", "ann@x.example", "bob@x.example"))
    before = rows(database)
    with pytest.raises(WriteFault) as fault:
        target.send(taken, target.read(taken))
    assert fault.value.outcome == "refused"
    assert fault.value.code in {"sql_23505", "sql_sqlite_constraint_unique"}
    assert "bob" not in f"{fault.value}{fault.value.__cause__}"
    assert fault.value.__suppress_context__
    assert rows(database) == before


def test_two_rows_under_one_key_are_left_alone(database, opened):
    execute(database, "CREATE TABLE twice (id INTEGER, team VARCHAR(9))")
    execute(database, "INSERT INTO twice VALUES (7, 'A'), (7, 'A'), (8, 'B')")
    target = opened({"read": {"table": "twice"}, "fields": {"department": "team"}, "write": {"table": "twice"}})
    changed = write("7", ("department", "A", "B"))
    with pytest.raises(WriteFault) as fault:
        target.read(changed)
    assert fault.value.outcome == "refused"
    execute(database, "DELETE FROM twice")
    execute(database, "INSERT INTO twice VALUES (7, 'A')")
    held = target.read(changed)
    execute(database, "INSERT INTO twice VALUES (7, 'A')")
    with pytest.raises(WriteFault) as late:
        target.send(changed, held)
    assert (late.value.outcome, late.value.code) == ("refused", "key_not_unique")
    assert rows(database, "twice") == [(7, "A"), (7, "A")]


def test_read_from_a_query_and_written_to_its_table(database, opened):
    query = "SELECT id AS person, team || '' AS team FROM staff"
    record = {"read": {"query": query}, "key": "person", "fields": {"department": "team"}}
    target = opened({**record, "write": {"table": "staff", "key": "id"}})
    changed = write("7", ("department", "Payroll", "People"))
    target.send(changed, target.read(changed))
    assert [row[6] for row in rows(database)] == ["People", "Sales"]


def test_somebody_elses_lock_is_waited_for_and_then_nothing_was_done(database, opened):
    target = opened(timeout="1s")
    changed = write("7", ("department", "Payroll", "People"))
    held = target.read(changed)
    with database.connect() as foreign:
        if database.dialect.name == "sqlite":
            foreign.exec_driver_sql("BEGIN IMMEDIATE")
        foreign.exec_driver_sql("UPDATE staff SET shift = 'x' WHERE id = 7")
        with pytest.raises(WriteFault) as fault:
            target.send(changed, held)
        foreign.rollback()
    assert fault.value.outcome == "not_done"
    target.send(changed, held)
    assert rows(database)[0][6] == "People"


def test_a_foreign_edit_that_commits_while_we_wait_wins(database, opened):
    if database.dialect.name == "sqlite":
        pytest.skip("SQLite's one write lock is taken before the row is looked at; the property test covers it")
    target = opened(timeout="10s")
    changed = write("7", ("department", "Payroll", "People"))
    held, faults = target.read(changed), []

    def send() -> None:
        try:
            target.send(changed, held)
        except WriteFault as fault:
            faults.append(fault.outcome)

    with database.connect() as foreign, database.connect() as look:
        foreign.exec_driver_sql("UPDATE staff SET team = 'Theirs' WHERE id = 7")
        ours = threading.Thread(target=send)
        ours.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not look.exec_driver_sql(waiting).scalar():
            assert ours.is_alive()
        foreign.commit()
        ours.join(10)
    assert faults == ["changed"]
    assert rows(database)[0][6] == "Theirs"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ours=st.sampled_from(["People", "Ops", "O'Neill; --"]),
    theirs=st.lists(
        st.tuples(st.sampled_from(["team", "shift", "email"]), st.sampled_from(["Payroll", "Ops", "late", "new"])),
        max_size=3,
    ),
)
def test_a_foreign_value_is_never_overwritten_unseen(database, opened, ours, theirs):
    execute(database, "UPDATE staff SET team = 'Payroll', shift = NULL, email = 'ann@x.example' WHERE id = 7")
    target = opened()
    changed = write("7", ("department", "Payroll", ours))
    held = target.read(changed)
    for column, value in theirs:
        execute(database, f"UPDATE staff SET {column} = :v0 WHERE id = 7", value)
    foreign = rows(database)[0]
    try:
        target.send(changed, held)
        assert foreign[6] == "Payroll"
        assert rows(database)[0] == (*foreign[:6], ours, *foreign[7:])
        outcome = "written"
    except WriteFault as fault:
        outcome = fault.outcome
        assert rows(database)[0] == foreign
    assert outcome == ("written" if foreign[6] == "Payroll" else "changed")


def test_a_preview_shows_the_statement_and_no_value(database, opened):
    target = opened()
    changed = write("7", ("work_email", "ann@x.example", "secret@x.example"), ("shift", None, "early"))
    for shown in (target.preview(changed), target.preview(changed, target.read(changed))):
        assert [one.method for one in shown] == ["UPDATE"]
        assert "UPDATE" in shown[0].where
        assert '"email"' in shown[0].where
        assert set(shown[0].body) == {"email", "shift"}
        assert "secret" not in repr(shown)
        assert "ann@" not in repr(shown)


def test_a_value_without_an_inverse_is_not_sent(database, opened):
    target = opened({"fields": {"department": {"from": "team", "map": {"Payroll": "P", "Sales": "S"}}}})
    known = write("7", ("department", "P", "S"))
    target.send(known, target.read(known))
    assert rows(database)[0][6] == "Sales"
    unknown = write("7", ("department", "S", "Q"))
    with pytest.raises(WriteFault) as fault:
        target.send(unknown, target.read(unknown))
    assert fault.value.outcome == "unwritable"


def test_a_sqlite_file_that_was_replaced_is_the_one_written(database, opened, url, tmp_path):
    if url.startswith("postgresql"):
        pytest.skip("a file only")
    target, changed = opened(), write("7", ("department", "Payroll", "People"))
    target.read(changed)
    (tmp_path / "new.db").write_bytes((tmp_path / "hr.db").read_bytes())
    (tmp_path / "new.db").replace(tmp_path / "hr.db")
    target.send(changed, target.read(changed))
    database.dispose()
    assert rows(database)[0][6] == "People"


def test_nobody_there_is_not_done(tmp_path, opened):
    changed = write("7", ("department", "a", "b"))
    for where in ("postgresql+psycopg://u:Canary@127.0.0.1:1/x", f"sqlite:///{tmp_path / 'elsewhere.db'}"):
        with pytest.raises(WriteFault) as fault:
            opened(base_url=where).read(changed)
        assert fault.value.outcome == "not_done"
        assert "Canary" not in str(fault.value)


class TestEffectiveDated:
    """A table with one row per spell: the right row is corrected, or a new one begins on the day."""

    RECORD: dict[str, Any] = {  # noqa: RUF012  (a declaration, read only)
        "read": {"table": "jobs"},
        "key": "emp",
        "fields": {"department": "title"},
        "effective": {"from": "begins", "to": "ends"},
        "write": {"table": "jobs", "omit": ["row_no"]},
    }

    @pytest.fixture
    def jobs(self, database: sa.Engine) -> sa.Engine:
        serial = "" if database.dialect.name == "sqlite" else "GENERATED BY DEFAULT AS IDENTITY (START 10)"
        execute(database, HISTORY.format(serial=serial))
        execute(
            database,
            "INSERT INTO jobs (row_no, emp, begins, ends, title, grade) VALUES (1, '7', '2020-01-01', '2025-01-01', 'Old', 'G1'),"
            " (2, '7', '2025-01-01', '2026-07-01', 'Now', 'G2'), (3, '7', '2026-07-01', NULL, 'Later', 'G3'),"
            " (4, '8', '2020-01-01', NULL, 'Other', 'G9')",
        )
        return database

    def spells(self, engine: sa.Engine) -> list[tuple[str, ...]]:
        return [tuple(str(cell) for cell in row[1:]) for row in rows(engine, "jobs", "emp, begins")]

    def test_the_row_in_force_is_corrected(self, jobs, opened):
        target = opened(self.RECORD)
        changed = write("7", ("department", "Now", "Right"))
        target.send(changed, target.read(changed))
        assert [row[3] for row in self.spells(jobs)] == ["Old", "Right", "Later", "Other"]

    def test_a_value_from_a_day_splits_the_row_in_force(self, jobs, opened):
        target = opened(self.RECORD)
        changed = write("7", ("department", "Now", "New"), day=date(2026, 4, 1))
        assert [one.method for one in target.preview(changed)] == ["UPDATE", "INSERT"]
        target.send(changed, target.read(changed))
        assert self.spells(jobs) == [
            ("7", "2020-01-01", "2025-01-01", "Old", "G1"),
            ("7", "2025-01-01", "2026-04-01", "Now", "G2"),
            ("7", "2026-04-01", "2026-07-01", "New", "G2"),
            ("7", "2026-07-01", "None", "Later", "G3"),
            ("8", "2020-01-01", "None", "Other", "G9"),
        ]
        assert target.read(changed).values == {"department": "New"}

    def test_sent_twice_it_is_there_once(self, jobs, opened):
        target = opened(self.RECORD)
        changed = write("7", ("department", "Now", "New"), day=date(2026, 4, 1))
        held = target.read(changed)
        target.send(changed, held)
        once = self.spells(jobs)
        with pytest.raises(WriteFault) as fault:
            target.send(changed, held)
        assert fault.value.outcome == "changed"
        assert self.spells(jobs) == once

    def test_a_day_that_has_its_row_already_is_corrected_in_place(self, jobs, opened):
        target = opened(self.RECORD)
        changed = write("7", ("department", "Later", "Right"), day=date(2026, 7, 1))
        target.send(changed, target.read(changed))
        assert [row[3] for row in self.spells(jobs)] == ["Old", "Now", "Right", "Other"]

    def test_an_inclusive_end_and_a_foreign_row_in_between(self, jobs, opened):
        execute(jobs, "UPDATE jobs SET ends = '2026-06-30' WHERE row_no = 2")
        target = opened({**self.RECORD, "effective": {"from": "begins", "to": "ends", "to_inclusive": True}})
        changed = write("7", ("department", "Now", "New"), day=date(2026, 4, 1))
        held = target.read(changed)
        execute(jobs, "UPDATE jobs SET grade = 'GX' WHERE row_no = 2")
        before = self.spells(jobs)
        with pytest.raises(WriteFault) as fault:
            target.send(changed, held)
        assert (fault.value.outcome, self.spells(jobs)) == ("changed", before)
        target.send(changed, target.read(changed))
        assert self.spells(jobs)[1:3] == [
            ("7", "2025-01-01", "2026-03-31", "Now", "GX"),
            ("7", "2026-04-01", "2026-06-30", "New", "GX"),
        ]

    def test_without_an_end_column_the_new_row_ends_the_old(self, jobs, opened):
        target = opened({**self.RECORD, "effective": {"from": "begins"}})
        changed = write("8", ("department", "Other", "New"), day=date(2026, 4, 1))
        target.send(changed, target.read(changed))
        assert self.spells(jobs)[-2:] == [
            ("8", "2020-01-01", "None", "Other", "G9"),
            ("8", "2026-04-01", "None", "New", "G9"),
        ]


@contextmanager
def cut_at_commit(url: str, folder: Path, *, forward: bool) -> Iterator[str]:
    """A socket before PostgreSQL that breaks when COMMIT comes by, before or after handing it on."""
    import socket

    parsed = sa.make_url(url)
    real = f"{parsed.query['host']}/.s.PGSQL.5432"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / ".s.PGSQL.5432"))
        listener.listen(8)
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                server = socket.socket(socket.AF_UNIX)
                server.connect(real)
                threading.Thread(target=pump, args=(server, client), daemon=True).start()
                threading.Thread(target=watch, args=(client, server), daemon=True).start()

        def pump(source: socket.socket, sink: socket.socket) -> None:
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
            except OSError:
                return

        def watch(client: socket.socket, server: socket.socket) -> None:
            try:
                while data := client.recv(65536):
                    if b"COMMIT" in data:
                        client.shutdown(socket.SHUT_RDWR)
                        if forward:
                            server.sendall(data)
                            committed.wait(5)
                        server.close()
                        return
                    server.sendall(data)
            except OSError:
                return

        committed = threading.Event()
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield parsed.set(query={"host": str(folder)}).render_as_string(hide_password=False)
        finally:
            committed.set()
            stopped.set()


@pytest.mark.parametrize("forward", [True, False], ids=["committed", "lost"])
def test_an_answer_lost_at_the_commit_is_unknown(empty_database, tmp_path, opened, forward):  # noqa: F811
    if not sa.make_url(empty_database).query.get("host"):
        pytest.skip("this PostgreSQL listens on no socket")
    engine = sa.create_engine(empty_database)
    execute(engine, STAFF)
    execute(engine, ROWS)
    changed = write("7", ("department", "Payroll", "People"))
    straight = opened(base_url=empty_database)
    with cut_at_commit(empty_database, tmp_path / "cut", forward=forward) as cut:
        target = opened(base_url=cut)
        with pytest.raises(WriteFault) as fault:
            target.send(changed, straight.read(changed))
        assert fault.value.outcome == "unknown"
        wanted = "People" if forward else "Payroll"
        for _ in range(200):
            if straight.read(changed).values == {"department": wanted}:
                break
        assert straight.read(changed).values == {"department": wanted}
    engine.dispose()
