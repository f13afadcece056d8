"""Everything that is planted in a world, in order: the rare first, since a person has at most one fault."""

from __future__ import annotations

from datetime import date

from hrorch_pipelines.sandbox.faults_cells import plant_cells
from hrorch_pipelines.sandbox.faults_controls import label_controls
from hrorch_pipelines.sandbox.faults_gates import plant_gates
from hrorch_pipelines.sandbox.faults_records import plant_records
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.plan import Plan


def plan_faults(world: World, day: date) -> Plan:
    """What goes wrong in a world generated for a day. In a company too small for a kind, the kind is left out."""
    plan = Plan(world, day)
    label_controls(plan)
    plant_records(plan)
    plant_gates(plan)
    plant_cells(plan)
    return plan
