"""Imported once by the server that the kill test forks its pushes from: starting one then costs milliseconds."""

from __future__ import annotations

import dlt.sources.helpers.rest_client.client  # noqa: F401
import duckdb  # noqa: F401

import hrorch_pipelines.exceptions.cases
import hrorch_pipelines.handoffs.push
import hrorch_pipelines.systems.making.rest  # noqa: F401
import hrorch_tests.handoffs.test_kill  # noqa: F401
