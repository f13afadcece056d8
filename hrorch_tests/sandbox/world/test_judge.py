"""The judge tells mending from harm by the documents alone, whoever wrote them."""

from __future__ import annotations

import copy

import pytest

from hrorch_pipelines.sandbox.advance import advance
from hrorch_pipelines.sandbox.judge import Twins
from hrorch_pipelines.sandbox.labels import read_labels
from hrorch_pipelines.sandbox.store import Store
from hrorch_pipelines.sandbox.world import generate, label_file
from hrorch_pipelines.sandbox.world_clock import WorldClock


@pytest.fixture
def world(tmp_path):
    generate(tmp_path / "world", 150, 7)
    return tmp_path / "world"


def write(world, collection, key, change, system="payroll"):
    store = Store(world, system)
    body = copy.deepcopy(store.get(collection, key).body)
    change(body)
    store.put(collection, key, body, at=WorldClock(world).now(), by="hrorch")
    store.close()


def faulty_first_name(world, twins):
    """A payroll record whose first name was planted wrong, and the right one from the twin."""
    (label,) = [
        label
        for label in read_labels(label_file(world))
        if label.kind == "mojibake" and label.system == "payroll" and "name" in str(label.attribute)
    ][:1]
    field = {"legal_first_name": "first_name", "legal_last_name": "last_name"}[label.attribute]
    store = Store(twins._true, "payroll")
    right = store.get("employees", label.source_id).body[field]
    store.close()
    return label.source_id, field, right


def test_what_nobody_touched_is_neither_repaired_nor_spoilt(world, tmp_path):
    twins = Twins(world, tmp_path / "twins")
    advance(world, 9)
    twins.advance(9)
    judged = twins.judge()
    assert (judged.repaired, judged.spoilt) == ((), ())
    assert judged.left


def test_a_right_value_in_a_wrong_place_is_repaired(world, tmp_path):
    twins = Twins(world, tmp_path / "twins")
    key, field, right = faulty_first_name(world, twins)
    write(world, "employees", key, lambda body: body.update({field: right}))
    judged = twins.judge()
    assert judged.repaired == (("payroll", "employees", key, field),)
    assert judged.spoilt == ()


def test_a_wrong_value_is_spoilt_even_where_the_place_was_wrong_before(world, tmp_path):
    twins = Twins(world, tmp_path / "twins")
    key, field, _ = faulty_first_name(world, twins)
    write(world, "employees", key, lambda body: body.update({field: "Nobody"}))
    assert twins.judge().spoilt == (("payroll", "employees", key, field),)


def test_a_put_that_cleared_what_it_did_not_name_is_seen(world, tmp_path):
    twins = Twins(world, tmp_path / "twins")
    store = Store(world, "onboarding")
    key = next(iter(store.each("newhires"))).id
    store.close()
    write(world, "newhires", key, lambda body: body.update(startDate=None), system="onboarding")
    assert ("onboarding", "newhires", key, "startDate") in twins.judge().spoilt
