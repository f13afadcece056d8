"""A masked value shows its shape and nothing of its content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.masking import mask


@pytest.mark.parametrize(
    ("value", "sensitivity", "shown"),
    [
        ("Radiology", "normal", "Radiology"),
        ("Okafor", "personal", "O•••(6)"),
        ("74200.0000", "pay", "•••(10)"),
        ("123-45-6789", "secret", "••••"),
        ("ill", "special", "••••"),
        ("ana.ruiz@clinic.example", "personal", "a•••(23)"),
        ("ana.ruiz@clinic.org", "personal", "a•••@•••.org"),
        ("x@Canary", "personal", "x•••(8)"),
        ("x@a.Canaryname", "personal", "x•••(14)"),
        (None, "pay", "(empty)"),
    ],
)
def test_what_is_shown(value, sensitivity, shown):
    assert mask(value, sensitivity) == shown


@given(st.text(min_size=8), st.sampled_from(["personal", "pay", "special", "secret"]))
def test_no_run_of_the_value_longer_than_a_top_level_domain_survives(value, sensitivity):
    shown = mask(value, sensitivity)
    assert not any(value[start : start + 7] in shown for start in range(len(value) - 6))
