"""Whatever a system delivers ends in a clear error or in quarantine, with file, record and field; and holds up nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.runner import JobOutcome
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.observe import observe
from hrorch_tests.e2e.bad_inputs import BAD_CELLS, JUDGED, PEOPLE, REFUSED, SYSTEMS, world, write_bad, write_good
from hrorch_tests.e2e.company import MORNING, Company, last_refused, workplace

PAGE = b"<!doctype html><html><body>Please sign in. Session of Abara expired.</body></html>"


class _Api(BaseHTTPRequestHandler):
    """Answers what `answers` says: (content type, body)."""

    answers: tuple[str, bytes] = ("application/json", b"[]")

    def do_GET(self) -> None:
        kind, body = type(self).answers
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, dict[str, JobOutcome]]]:
    """A good day that was observed, then the bad one, run whole."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        folder = tmp_path_factory.mktemp("bad")
        exports = world(folder, f"http://127.0.0.1:{server.server_port}")
        _Api.answers = ("application/json", json.dumps(exports.rows()).encode())
        write_good(exports)
        company = Company(workplace(folder / "stack.yaml", folder / "home", SetClock(MORNING)))
        place = company.workplace
        for system in SYSTEMS:
            assert observe(place.stack, system, place.home, place.clock).trusted, system
        company.later(days=1)
        _Api.answers = ("text/html", PAGE)
        write_bad(exports)
        yield company, company.run()
    finally:
        server.shutdown()
        server.server_close()


def test_a_delivery_that_cannot_be_believed_is_refused_and_the_last_good_one_stays(
    day: tuple[Company, dict[str, JobOutcome]],
) -> None:
    company, outcomes = day
    sources = dict(company.ask("SELECT system, snapshot_id FROM cycles.sources WHERE stale"))
    assert set(sources) == set(REFUSED)
    for system in REFUSED:
        good = catalogue.latest(company.workplace.home, system)
        assert good is not None
        assert sources[system] == good.snapshot_id
        assert company.one(f'SELECT count(*) FROM accepted."{system}.worker" WHERE NOT held') == PEOPLE
        assert not outcomes[f"extract_{system}"].ok
    assert company.one("SELECT count(*) FROM history.changes WHERE kind = 'removed'") == 0


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("empty", ["people.csv", "is empty"]),
        ("header_only", ["worker", "0 rows", "an empty answer never means that all were deleted"]),
        ("binary", ["people.csv", "not text"]),
        ("wrong_encoding", ["people.csv", "not utf-8", "byte"]),
        ("no_key_column", ["worker", "people.csv", "`id` is missing"]),
        ("renamed", ["worker", "people.csv", "`pay_amount` is missing", "nearest: `Annual pay`"]),
        ("json_half", ["people.json", "JSON ends or breaks", "line 1"]),
        ("html", ["GET request 1", "web page instead of JSON"]),
    ],
)
def test_a_refusal_names_file_record_and_field_and_never_a_value(
    day: tuple[Company, dict[str, JobOutcome]], system: str, words: list[str]
) -> None:
    _, outcomes = day
    reason = outcomes[f"extract_{system}"].reason
    for word in words:
        assert word in reason
    assert "Kim Osei" in reason, "it names the owner"
    for value in ("Abara", "Bergström", "worker1@", "900-01"):
        assert value not in reason


def test_the_others_are_not_held_up(day: tuple[Company, dict[str, JobOutcome]]) -> None:
    company, outcomes = day
    for job in ("extract_hris", "cycle", *(f"extract_{system}" for system in JUDGED)):
        assert outcomes[job].ok, outcomes[job].reason
    assert company.one("SELECT count(*) FROM golden.persons WHERE stage = 'worker'") == PEOPLE
    fresh = {row[0] for row in company.ask("SELECT system FROM cycles.sources WHERE NOT stale")}
    assert fresh == {"hris", *JUDGED}


def test_a_cell_that_cannot_be_read_holds_its_record_and_says_which_and_why(
    day: tuple[Company, dict[str, JobOutcome]],
) -> None:
    company, _ = day
    rows = company.ask(
        """SELECT record_key, attribute, regexp_extract(found_masked, '[(]([a-z_]+)[)]$', 1), action, reviewer
           FROM gates.quarantine WHERE system = 'values' AND closed_at IS NULL"""
    )
    assert {key: (attribute, code) for key, attribute, code, _, _ in rows} == {
        key: (attribute, code) for key, (attribute, _, code) in BAD_CELLS.items()
    }
    assert len(rows) == len(BAD_CELLS)
    assert all("values" in action and reviewer == "kim" for *_, action, reviewer in rows)
    passed = {row[0] for row in company.ask('SELECT record_key FROM accepted."values.worker"')}
    assert passed == {f"{n:04}" for n in range(1, PEOPLE + 1)} - set(BAD_CELLS)


def test_masking_leaves_no_personal_cell_in_the_quarantine(day: tuple[Company, dict[str, JobOutcome]]) -> None:
    company, _ = day
    shown = " ".join(row[0] for row in company.ask("SELECT found_masked FROM gates.quarantine WHERE system = 'values'"))
    for attribute, written, _ in BAD_CELLS.values():
        assert (written in shown) == (attribute == "start_date"), "only `normal` attributes are shown in clear"


def test_records_with_one_key_wait_together_and_a_record_without_a_key_waits_alone(
    day: tuple[Company, dict[str, JobOutcome]],
) -> None:
    company, _ = day
    rows = company.ask(
        "SELECT record_key, rule_id, count(*) FROM gates.quarantine WHERE system = 'duplicates' GROUP BY ALL ORDER BY ALL"
    )
    assert sorted(rows, key=repr) == [("0001", "duplicate-key", 2), (None, "missing-key", 1)]
    passed = {row[0] for row in company.ask('SELECT record_key FROM accepted."duplicates.worker"')}
    assert passed == {f"{n:04}" for n in range(2, PEOPLE + 1)}


@pytest.mark.parametrize(
    ("system", "attribute", "length"), [("huge_cell", "department", 10_000_000), ("nul", "legal_last_name", 8)]
)
def test_a_monstrous_cell_is_kept_whole_and_compared(
    day: tuple[Company, dict[str, JobOutcome]], system: str, attribute: str, length: int
) -> None:
    company, _ = day
    found = company.ask(
        "SELECT copy_source_id, attribute, len(copy_value) FROM reconcile.discrepancies WHERE copy_system = ?", system
    )
    assert found == [(f"{PEOPLE:04}", attribute, length)]


def test_what_came_in_is_what_passed_and_what_waits(day: tuple[Company, dict[str, JobOutcome]]) -> None:
    company, _ = day
    home = company.workplace.home
    for system, records in company.ask("SELECT system, records FROM gates.receipts"):
        counts = json.loads(records)["worker"]
        manifest = catalogue.latest(home, system)
        assert manifest is not None
        assert counts["input"] == counts["passed"] + counts["quarantined"], system
        assert counts["input"] + counts["unchanged"] == manifest.records["worker"].rows, system
        current = company.one(f'SELECT count(*) FROM history."{system}.worker" WHERE valid_to IS NULL')
        assert current == manifest.records["worker"].rows, f"{system}: history lost or invented a record"
        waiting = company.one(
            """SELECT count(DISTINCT (record_key, occurrence)) FROM gates.quarantine
               WHERE system = ? AND closed_at IS NULL AND severity = 'error'""",
            system,
        )
        assert waiting == counts["quarantined"], system
        assert company.one(f'SELECT count(*) FROM accepted."{system}.worker" WHERE NOT held') == counts["passed"], (
            system
        )


def test_a_refused_delivery_is_kept_for_inspection(day: tuple[Company, dict[str, JobOutcome]]) -> None:
    company, _ = day
    for system in REFUSED:
        manifest = last_refused(company.workplace.home, system)
        assert manifest.faults
        assert all(fault.what and fault.remedy for fault in manifest.faults)


def test_a_monstrous_cell_does_not_swell_the_page(day: tuple[Company, dict[str, JobOutcome]]) -> None:
    company, _ = day
    page = company.workplace.home.published.parent / "report.html"
    assert page.stat().st_size < 3_000_000
