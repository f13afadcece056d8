"""A ledger is made, found ready, brought up to date or refused in plain words; what is refused is left as it was."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_errors import (
    LedgerBusy,
    LedgerReadOnly,
    LedgerTooNew,
    LedgerUnreachable,
    NotALedger,
)
from hrorch_pipelines.storage.ledger_tables import metadata
from hrorch_pipelines.storage.migrations import HEAD, VERSION_TABLE
from hrorch_pipelines.storage.migrations.upgrade import newest_revision

SOON = timedelta(milliseconds=200)


def test_the_revisions_make_what_the_models_say(ledger):
    """A column added to `ledger_tables` without a revision would be missing in every ledger already made."""
    with ledger.read() as con:
        context = MigrationContext.configure(
            con, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": False}
        )
        assert compare_metadata(context, metadata) == []


def test_a_ready_ledger_is_known_by_the_newest_revision():
    assert newest_revision() == HEAD


def test_a_ready_ledger_opens_quickly_and_without_alembic(ledger, ledger_url):
    seconds = []
    for _ in range(10):
        started = time.process_time()
        open_ledger(ledger.home, ledger.clock, ledger_url).close()
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.03  # a sensor does it every few seconds
    program = (
        "import sys; from pathlib import Path; from hrorch_pipelines.clock import SystemClock\n"
        "from hrorch_pipelines.storage.home import Home; from hrorch_pipelines.storage.ledger import open_ledger\n"
        f"open_ledger(Home(Path({str(ledger.home.root)!r})), SystemClock(), {ledger_url!r}).close()\n"
        "assert 'alembic' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def open_at_once(folder, url, gate, answers):
    gate.wait()
    try:
        ledger = open_ledger(Home(Path(folder)), SystemClock(), url)
        with ledger.read() as con:
            answers.put(len(sa.inspect(con).get_table_names()))
    except BaseException as error:  # noqa: BLE001  (told to the parent)
        answers.put(repr(error))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_several_may_open_a_new_ledger_at_once(kind, ledger_home, request):
    url = None if kind == "sqlite" else request.getfixturevalue("empty_database")
    spawn = multiprocessing.get_context("spawn")
    gate, answers = spawn.Barrier(3), spawn.Queue()
    openers = [spawn.Process(target=open_at_once, args=(str(ledger_home.root), url, gate, answers)) for _ in range(3)]
    for opener in openers:
        opener.start()
    told = [answers.get(timeout=60) for _ in openers]
    for opener in openers:
        opener.join()
    assert told == [len(metadata.tables) + 1] * 3


def test_a_ledger_of_a_later_version_is_left_alone(ledger, ledger_url):
    with ledger.write() as con:
        con.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(LedgerTooNew, match="9999"):
        open_ledger(ledger.home, ledger.clock, ledger_url)
    with ledger.read() as con:
        assert con.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar() == "9999"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://ann:Canary7@127.0.0.1:1/ledger", "no server answers"),
        ("postgresql://ann@127.0.0.1:1/ledger?password=Canary7", "no server answers"),
        ("postgresql://ann:Canary7@no-such-host.invalid/ledger", "host's name is unknown"),
        ("mysql://ann:Canary7@localhost/ledger", "must begin with"),
        ("Canary7", "no address"),
        ("sqlite:////nowhere/at/all/Ledger.sqlite", "cannot be opened or made"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(ledger_home, ledger_clock, url, words):
    with pytest.raises(LedgerUnreachable, match=words) as refused:
        open_ledger(ledger_home, ledger_clock, url)
    assert "Canary7" not in str(refused.value)


def test_a_database_that_does_not_exist(postgres_server, ledger_home, ledger_clock):
    url = sa.make_url(postgres_server).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(LedgerUnreachable, match="no such database"):
        open_ledger(ledger_home, ledger_clock, url)


def test_a_plain_postgresql_address_will_do(empty_database, ledger_home, ledger_clock):
    open_ledger(ledger_home, ledger_clock, empty_database.replace("postgresql+psycopg", "postgresql")).close()


def test_the_address_may_come_from_the_environment(ledger_home, ledger_clock, monkeypatch, tmp_path):
    monkeypatch.setenv("HRORCH_LEDGER_URL", f"sqlite:///{tmp_path / 'else.sqlite'}")
    open_ledger(ledger_home, ledger_clock).close()
    assert (tmp_path / "else.sqlite").exists()
    assert not (ledger_home.root / "ledger.sqlite").exists()


def test_a_file_that_is_no_database_is_left_alone(ledger_home, ledger_clock):
    file = ledger_home.root / "ledger.sqlite"
    file.write_bytes(b"Name;Salary\nAnn;70000\n" * 200)
    before = file.read_bytes()
    with pytest.raises(NotALedger):
        open_ledger(ledger_home, ledger_clock)
    assert file.read_bytes() == before


def test_somebody_elses_database_is_left_alone(ledger_home, ledger_clock):
    with sqlite3.connect(ledger_home.root / "ledger.sqlite") as con:
        con.execute("CREATE TABLE payroll (x)")
    con.close()
    with pytest.raises(NotALedger):
        open_ledger(ledger_home, ledger_clock)


def test_in_postgresql_other_tables_may_stand_beside_ours_but_not_in_our_place(
    empty_database, ledger_home, ledger_clock
):
    with sa.create_engine(empty_database).begin() as con:
        con.execute(sa.text("CREATE TABLE alembic_version (version_num text)"))
        con.execute(sa.text("CREATE TABLE cases (x int)"))
    with pytest.raises(NotALedger):
        open_ledger(ledger_home, ledger_clock, empty_database)
    with sa.create_engine(empty_database).begin() as con:
        con.execute(sa.text("DROP TABLE cases"))
    open_ledger(ledger_home, ledger_clock, empty_database).close()


def test_a_folder_that_cannot_be_made(tmp_path, ledger_clock):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(LedgerUnreachable, match="ENOTDIR"):
        open_ledger(Home(tmp_path / "file" / "home"), ledger_clock)


def test_a_read_only_ledger_can_be_read_and_says_so_when_written(ledger_home, ledger_clock):
    open_ledger(ledger_home, ledger_clock).close()
    url = f"sqlite:///file:{ledger_home.root / 'ledger.sqlite'}?mode=ro&uri=true"
    ledger = open_ledger(ledger_home, ledger_clock, url)
    with pytest.raises(LedgerReadOnly), ledger.write() as con:
        con.execute(sa.text("DELETE FROM notes"))


def test_a_new_ledger_that_somebody_holds_is_busy_not_broken(ledger_home, ledger_clock):
    holder = sqlite3.connect(ledger_home.root / "ledger.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LedgerBusy):
        open_ledger(ledger_home, ledger_clock, patience=SOON)
    holder.close()
    open_ledger(ledger_home, ledger_clock).close()
