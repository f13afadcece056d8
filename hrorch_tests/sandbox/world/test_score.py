"""The score counts what was planted, found, missed and falsely reported, and is not to be flattered."""

from __future__ import annotations

from dataclasses import replace

from hrorch_pipelines.sandbox.score import score


def perfect(plan) -> list[dict]:
    """Findings that say exactly what the labels expect, identity included."""
    persons = {key: f"p-{number}" for number, truth in plan.truths.items() for key in truth.records()}
    fields = ("system", "source_id", "attribute", "cause", "rule", "other_system", "other_id")
    rows = [
        {"kind": label.expect, **{name: getattr(label, name) for name in fields}}
        for label in plan.labels
        if label.expect not in {"link", "apart", "none"}
    ]
    return rows + [{"kind": "link", "system": s, "source_id": i, "person_id": p} for (s, i), p in persons.items()]


def by_kind(rows):
    return {row.kind: row for row in rows}


def test_perfect_findings_score_one_in_every_kind(faulty):
    _, plan = faulty
    rows = score(plan.labels, perfect(plan))
    assert {row.kind for row in rows} == {label.kind for label in plan.labels}
    assert all(row.recall == 1 and row.precision == 1 and row.cause_right == row.cause_of for row in rows)
    assert sum(row.planted for row in rows) == len(plan.labels)


def test_no_findings_find_nothing_but_leave_the_controls_alone(faulty):
    _, plan = faulty
    rows = by_kind(score(plan.labels, []))
    assert rows["one_digit"].recall == 0
    assert rows["one_digit"].precision is None
    assert rows["one_digit"].missed_labels == tuple(
        label.label_id for label in plan.labels if label.kind == "one_digit"
    )
    assert rows["masked_value"].recall == 1
    assert rows["twins"].recall == 0.5  # unlinked records are apart, and not together


def test_a_wrong_cause_a_false_finding_and_a_breached_control_are_counted(faulty):
    _, plan = faulty
    findings = perfect(plan)
    next(row for row in findings if row.get("cause") == "one_digit")["cause"] = "other"
    findings.append(
        {
            "kind": "discrepancy",
            "system": "payroll",
            "source_id": "nobody",
            "attribute": "phone",
            "cause": "stale_value",
        }
    )
    masked = next(label for label in plan.labels if label.kind == "masked_value")
    breach = {"system": masked.system, "source_id": masked.source_id, "attribute": masked.attribute}
    findings.append({"kind": "discrepancy", "cause": "extra_value", **breach})
    rows = by_kind(score(plan.labels, findings))
    assert rows["one_digit"].cause_right == rows["one_digit"].cause_of - 1
    assert rows["one_digit"].recall == 1
    assert rows["stale_value"].false == 1
    assert rows["stale_value"].precision < 1
    assert rows["masked_value"].missed == 1
    assert rows["extra_value"].false == 0


def test_a_discrepancy_in_another_cell_of_a_labelled_record_is_false(faulty):
    _, plan = faulty
    label = next(label for label in plan.labels if label.kind == "transposed_digits" and label.system == "payroll")
    extra = {
        "kind": "discrepancy",
        "system": "payroll",
        "source_id": label.source_id,
        "attribute": "job_title",
        "cause": "other",
    }
    assert by_kind(score(plan.labels, [*perfect(plan), extra]))["other"].false == 1


def test_consequences_of_a_record_fault_are_not_false(faulty):
    _, plan = faulty
    label = next(label for label in plan.labels if label.kind == "ghost" and label.system == "payroll")
    drag = {
        "kind": "discrepancy",
        "system": "payroll",
        "source_id": label.source_id,
        "attribute": "end_date",
        "cause": "missing_value",
    }
    assert all(row.false == 0 for row in score(plan.labels, [*perfect(plan), drag]))


def test_undecidable_and_closed_labels_are_told_apart_from_missed_ones(faulty):
    _, plan = faulty
    labels = [
        replace(label, decidable=False)
        if label.kind == "ghost"
        else replace(label, until="2026-07-01")
        if label.kind == "other"
        else label
        for label in plan.labels
    ]
    rows = by_kind(score(labels, []))
    assert rows["ghost"].planted == 0
    assert rows["ghost"].undecided == 6
    assert rows["ghost"].recall is None
    assert "other" not in rows
