"""One writer at a time; errors that quote nobody; a published copy that is never half made."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import threading
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.storage.engine import transaction
from hrorch_pipelines.storage.errors import NothingPublished, WarehouseBusy, WarehouseError
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import Warehouse, open_published, publish
from hrorch_tests.storage.conftest import held_by_another_process, release

CLOCK = SetClock(datetime(2026, 3, 2, tzinfo=UTC))


def test_a_writer_waits_for_another_process_to_finish(home: Home) -> None:
    with held_by_another_process(home) as holder:
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                release(holder)

        with Warehouse(home, CLOCK, sleep=sleep).write() as con:
            assert con.execute("SELECT x FROM held").fetchall() == [(1,)]
        assert len(waits) >= 3


def test_a_writer_gives_up_after_its_patience_and_names_the_holder(home: Home) -> None:
    with held_by_another_process(home) as holder:
        waits: list[float] = []
        warehouse = Warehouse(home, CLOCK, patience=timedelta(seconds=5), sleep=waits.append)
        with pytest.raises(WarehouseBusy) as caught, warehouse.write():
            pytest.fail("two processes had the warehouse")
        assert caught.value.holder == holder.pid
        assert str(holder.pid) in str(caught.value)
        assert 5 <= sum(waits) < 7, "waits for as long as it says, with a bounded step"


def test_two_threads_of_one_process_never_write_at_once(home: Home) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def write() -> None:
        nonlocal inside, most
        for _ in range(3):
            with Warehouse(home, CLOCK).write() as con:
                with guard:
                    inside += 1
                    most = max(most, inside)
                con.execute("CREATE TABLE IF NOT EXISTS counted(n INTEGER)")
                con.execute("INSERT INTO counted VALUES (1)")
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 1
    with Warehouse(home, CLOCK).write() as con:
        assert con.execute("SELECT count(*) FROM counted").fetchall() == [(9,)]


def test_a_failed_block_gives_the_warehouse_back(home: Home) -> None:
    warehouse = Warehouse(home, CLOCK, patience=timedelta(seconds=1))
    with pytest.raises(KeyError), warehouse.write():
        raise KeyError
    with warehouse.write() as con:
        assert con.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT CAST(name AS INTEGER) FROM people", "conversion"),
        ("INSERT INTO people SELECT name FROM people", "constraint"),
        ("SELECT strptime(name, '%Y') FROM people", "invalid_input"),
    ],
)
def test_an_engine_error_never_quotes_a_value(home: Home, statement: str, code: str) -> None:
    from dagster._utils.error import serializable_error_info_from_exc_info

    canary = f"Zywicz-{4711}"
    with Warehouse(home, CLOCK).write() as con:
        con.execute("CREATE TABLE people(name VARCHAR UNIQUE)")
        con.execute("INSERT INTO people VALUES (?)", [canary])
    with pytest.raises(WarehouseError) as caught, Warehouse(home, CLOCK).write() as con:
        con.execute(statement).fetchall()
    assert caught.value.code == code
    shown = "".join(traceback.format_exception(caught.value))
    stored = str(serializable_error_info_from_exc_info((type(caught.value), caught.value, caught.value.__traceback__)))
    assert canary not in shown + stored + str(caught.value)


def test_a_misspelt_name_is_told_so_that_it_can_be_mended(home: Home) -> None:
    with pytest.raises(WarehouseError, match="no_such_table"), Warehouse(home, CLOCK).write() as con:
        con.execute("SELECT * FROM no_such_table")


def test_the_engine_never_goes_to_the_network_for_extensions(home: Home) -> None:
    with pytest.raises(WarehouseError), Warehouse(home, CLOCK).write() as con:
        con.execute("SELECT * FROM read_csv('https://127.0.0.1:9/people.csv')")
    with Warehouse(home, CLOCK).write() as con:
        settings = con.execute(
            "SELECT current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions'), "
            "current_setting('TimeZone')"
        ).fetchall()
    assert settings == [(False, False, "UTC")]


def test_a_transaction_that_fails_leaves_nothing(home: Home) -> None:
    with Warehouse(home, CLOCK).write() as con:
        con.execute("CREATE TABLE kept(n INTEGER)")
        with pytest.raises(WarehouseError, match="at kept"), transaction(con, "kept"):
            con.execute("INSERT INTO kept VALUES (1); SELECT 'x'::INTEGER")
        with pytest.raises(KeyError), transaction(con):
            _insert_and_stumble(con)
        assert con.execute("SELECT * FROM kept").fetchall() == []


def _insert_and_stumble(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("INSERT INTO kept VALUES (2)")
    raise KeyError


def test_nothing_published_is_said_plainly(home: Home) -> None:
    with pytest.raises(NothingPublished, match="hrorch run"):
        open_published(home)


def _write_number(home: Home, number: int) -> None:
    with Warehouse(home, CLOCK).write() as con:
        con.execute("CREATE SCHEMA IF NOT EXISTS golden")
        con.execute("CREATE OR REPLACE TABLE golden.persons AS SELECT ? AS n", [number])


def _read_number(con: duckdb.DuckDBPyConnection) -> int:
    return con.execute("SELECT n FROM golden.persons").fetchall()[0][0]


def test_an_open_reader_keeps_the_old_copy_and_a_new_one_sees_the_new(home: Home) -> None:
    _write_number(home, 1)
    assert publish(home) == home.published
    with open_published(home) as old:
        assert _read_number(old) == 1
        _write_number(home, 2)
        publish(home)
        with open_published(home) as new:
            assert _read_number(new) == 2
        assert _read_number(old) == 1


def test_the_published_copy_cannot_be_written_and_needs_nothing_beside_it(home: Home, tmp_path: Path) -> None:
    _write_number(home, 1)
    publish(home)
    with open_published(home) as con, pytest.raises(duckdb.Error, match="read-only"):
        con.execute("CREATE TABLE golden.mine(n INTEGER)")
    assert [path.name for path in home.published.parent.iterdir()] == ["hrorch.duckdb"]
    moved = home.published.rename(tmp_path / "elsewhere.duckdb")
    with duckdb.connect(str(moved), read_only=True) as con:
        assert _read_number(con) == 1


_PUBLISH_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import publish
home = Home(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN if sys.argv[2] == "error" else signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
publish(home)
"""


@pytest.mark.parametrize("end", ["error", "killed"])
def test_a_publication_cut_short_leaves_the_old_copy(home: Home, end: str) -> None:
    _write_number(home, 1)
    publish(home)
    _write_number(home, 2)
    with Warehouse(home, CLOCK).write() as con:
        con.execute("CREATE TABLE golden.ballast AS SELECT md5(i::VARCHAR) AS x FROM range(100_000) t(i)")
    assert home.warehouse.stat().st_size > 300_000, "the copy must hit the limit in the middle"
    ended = subprocess.run(
        [sys.executable, "-c", _PUBLISH_ON_A_FULL_DISK, str(home.root), end], capture_output=True, text=True
    )
    if end == "error":
        assert "File too large" in ended.stderr
        assert not list(home.scratch.glob("publish*")), "an error cleans up after itself"
    else:
        assert ended.returncode == -signal.SIGXFSZ
    with open_published(home) as con:
        assert _read_number(con) == 1
    publish(home)
    with open_published(home) as con:
        assert _read_number(con) == 2
    assert not list(home.scratch.glob("publish*"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY, "only the child was limited"
