"""Benchmark files are complete, the same every time, and wrong in exactly as many cells as declared."""

from __future__ import annotations

import csv

import pytest

from hrorch_pipelines.sandbox.exports import COLUMNS, SYSTEMS, export_files
from hrorch_pipelines.stack.load import load_stack


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"][1:]: row for row in csv.DictReader(file)}


def test_files_differ_from_the_hris_in_as_many_cells_as_declared(tmp_path):
    made = export_files(tmp_path, 3_000, seed=5, share=0.01)
    assert len(COLUMNS) == 20
    authority = rows(tmp_path / "hris.csv")
    assert len(authority) == 3_000
    for system in SYSTEMS:
        copy = rows(tmp_path / f"{system}.csv")
        assert copy.keys() == authority.keys()
        wrong = sum(copy[n][name] != authority[n][name] for n in copy for name in COLUMNS)
        assert wrong == made.discrepant[system]
    assert made.discrepant["hris"] == 0
    assert all(0.008 < made.discrepant[system] / (3_000 * 19) < 0.012 for system in SYSTEMS[1:])


def test_the_same_arguments_give_the_same_files(tmp_path):
    for name in ("a", "b"):
        export_files(tmp_path / name, 500, seed=2)
    for system in SYSTEMS:
        assert (tmp_path / "a" / f"{system}.csv").read_bytes() == (tmp_path / "b" / f"{system}.csv").read_bytes()


def test_the_stack_file_beside_them_loads_and_maps_every_column(tmp_path):
    stack = load_stack(export_files(tmp_path, 3).stack, env={})
    assert list(stack.systems) == list(SYSTEMS)
    assert all(set(system.mapped()) == set(COLUMNS) for system in stack.systems.values())


def test_a_senseless_share_is_refused(tmp_path):
    with pytest.raises(ValueError, match="share"):
        export_files(tmp_path, 3, share=0.5)
