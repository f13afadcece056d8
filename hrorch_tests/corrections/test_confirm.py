"""What was sent is judged by the next snapshot, and its landing is laid at our own door: end to end, through the cycle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections.landed import copy_acknowledged
from hrorch_pipelines.runner import run_once
from hrorch_pipelines.sandbox.serve import run_sandbox
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_tests.corrections.pushing import Bench
from hrorch_tests.e2e.company import Company, variant, workplace


def _two_systems(content: dict[str, Any]) -> None:
    """The example stack with two of its systems and nothing that is dear and beside the point here."""
    kept = ("hris", "payroll")
    content["systems"] = {name: content["systems"][name] for name in kept}
    content["systems"]["payroll"]["writes"] = {"attributes": ["preferred_name", "pay_amount"]}
    content["systems"]["hris"].pop("writes", None)
    mapped = {name for name in content["attributes"] if content["attributes"][name]["data_type"] not in UNKNOWN}
    content["attributes"] = {
        name: {key: value for key, value in content["attributes"][name].items() if key != "required_in"}
        for name in mapped
    }
    content["stages"] = {"worker": {"present_in": ["hris"]}, "other": {"present_in": ["payroll"]}}
    kinds = {attribute["data_type"] for attribute in content["attributes"].values()}
    content["authority"] = {kind: {"worker": "hris", "other": "hris"} for kind in sorted(kinds)}
    content["presence"], content["gates"] = {}, {}
    content["matching"] = {"keys": [{"attributes": ["employee_number"]}]}
    content["corrections"] = {"mode": "apply", "targets": ["payroll"], "never_touch": {"where": "true"}}
    content.pop("exceptions", None)


UNKNOWN = {"candidate", "screening", "onboarding"}
"""Data types that neither of the two holds."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("company")
    with run_sandbox(folder / "world", base_port=None, people=40, faults=False) as box:
        clock = SetClock(box.clock.now() + timedelta(hours=1))
        place = workplace(variant(folder / "stack", _two_systems), folder / "home", clock, box.env)
        made = Company(place, box)
        run_once(place, push=False)
        yield made


@pytest.fixture(scope="module")
def written(company: Company) -> dict[str, str]:
    """Five corrections pushed after the first cycle, with what the system makes of them; then a second cycle."""
    place = company.workplace
    clock = place.clock
    assert isinstance(clock, SetClock)
    bench = Bench(place.ledger(), place.stack, clock, company.sandbox)
    people = company.ask(
        """SELECT l.person_id, w.source_id, w.preferred_name, CAST(c.pay_amount AS VARCHAR), c.parent_id
           FROM history."payroll.worker" AS w
           JOIN identity.links AS l ON l.system = 'payroll' AND l.source_id = w.source_id
           JOIN golden.persons AS g ON g.person_id = l.person_id AND g.stage = 'worker'
           JOIN (FROM history."payroll.compensation" WHERE valid_to IS NULL
                 QUALIFY count(*) OVER (PARTITION BY parent_id) = 1) AS c ON c.parent_id = w.source_id
           WHERE w.valid_to IS NULL ORDER BY 1 LIMIT 5"""
    )
    assert len(people) == 5
    clock.at += timedelta(minutes=10)

    def put(at: int, **more: Any) -> str:
        person, source, name, pay, _ = people[at]
        pays = more.get("attribute") == "pay_amount"
        row = {
            "n": 0, "target": "payroll", "person_id": person, "source_id": source, "before": pay if pays else name,
            "attribute": "preferred_name", "after": f"Written{at}", **more,
        }  # fmt: skip
        return bench.put([row])[0]

    kept = {"name": put(0)}
    paid = f"{2 * Decimal(people[1][3]):f}".rstrip("0").rstrip(
        "."
    )  # as somebody would write it; history keeps four places
    kept["pay"] = put(
        1, attribute="pay_amount", record="compensation", after=paid, kind="pay", data_type="compensation"
    )
    assert bench.push("payroll").confirmed == 2
    kept |= {"late": put(2)}
    company.sandbox.board.switch_on("payroll", "lagging_reads", times=1, reads=2)
    assert bench.push("payroll").waiting == 1
    company.sandbox.board.switch_on("payroll", "ignored_write", times=2)
    kept |= {"ignored": put(3), "foreign": put(4)}
    assert bench.push("payroll").waiting == 2
    bench.edit(people[4][1], system="payroll", by="Rosa Quint", preferred_first_name="Ros")
    clock.at += timedelta(hours=1)
    run_once(place, push=False)
    return kept


@pytest.mark.parametrize(
    ("which", "state"),
    [
        ("name", "confirmed"),
        ("pay", "confirmed"),
        ("late", "confirmed"),
        ("ignored", "diverged"),
        ("foreign", "conflicted"),
    ],
)
def test_a_snapshot_taken_since_decides_what_was_only_sent(company: Company, written, which, state) -> None:
    with company.workplace.ledger().read() as con:
        row = con.execute(sa.select(corrections).where(corrections.c.correction_id == written[which])).one()
    assert (row.state, row.seen_at is not None) == (state, True)


def test_our_own_landings_are_not_laid_at_anybody_elses_door(company: Company, written) -> None:
    found = company.ask(
        "SELECT attribute, attribution, rule FROM reconcile.landings WHERE system = 'payroll' ORDER BY ALL"
    )
    assert found == [
        ("pay_amount", "orchestrator", 1),
        ("preferred_name", "orchestrator", 1),
        ("preferred_name", "orchestrator", 1),
        ("preferred_name", "unknown", 5),
    ]


def test_each_write_is_told_to_the_warehouse_once(company: Company, written) -> None:
    assert company.one("SELECT count(*) FROM reconcile.write_ledger") == len(written)
    place = company.workplace
    with company.write() as con:
        assert copy_acknowledged(place.ledger(), con, place.home.key(), place.stack) == 0


def test_pushes_are_assets_with_jobs_and_sensors_of_their_own(company: Company) -> None:
    import dagster as dg

    from hrorch_pipelines.definitions import build_definitions

    defs = build_definitions(company.workplace)
    job = defs.resolve_job_def("push_payroll")
    assert job.asset_layer.executable_asset_keys == {dg.AssetKey(["pushed", "payroll"])}
    assert dg.AssetKey(["pushed", "payroll"]) not in defs.resolve_job_def("cycle").asset_layer.executable_asset_keys
    sensor = defs.resolve_sensor_def("push_payroll_when_due")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
