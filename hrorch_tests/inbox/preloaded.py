"""Imported once by the server that the kill test forks its endpoints from: starting one then costs milliseconds."""

from __future__ import annotations

import uvicorn.loops.uvloop
import uvicorn.protocols.http.httptools_impl  # noqa: F401

import hrorch_tests.inbox.test_kill  # noqa: F401
