"""The small words of the stack file: names, durations, shares, states. Values only, no structure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""A name the user gives: lower case, digits, `-` and `_`."""

AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""An attribute's name; it becomes a column, so no hyphen."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_LONGEST = 1000 * _UNITS["y"]


def parse_duration(value: object) -> timedelta:
    """Read `90s`, `30m`, `2h`, `5d`, `1w`, `3y` (a year is 365 days). Raises ValueError with the accepted forms."""
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdwy])\s*", str(value))
    if not found:
        raise ValueError("is not a duration; write a number and a unit, such as 30m, 2h, 5d, 3y")
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > _LONGEST:
        raise ValueError("is longer than 1000 years")
    return timedelta(seconds=seconds)


def parse_share(value: object) -> float:
    """Read `10%` or `0.1` as 0.1. Raises ValueError outside 0..1."""
    text = str(value).strip()
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("is not a share; write it as 10% or 0.1")
    return share


def check_tolerance(value: object) -> str:
    """Accept `0.005` (absolute) or `0.5%` (relative to the authority's value); kept as written, printed with results."""
    text = str(value).strip()
    try:
        amount = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise ValueError("is not a tolerance; write 0.005 (absolute) or 0.5% (relative)")
    return text


def tolerance_amount(text: str) -> tuple[Decimal, bool]:
    """The number of a tolerance and whether it is a fraction of the authority's value."""
    relative = text.endswith("%")
    return Decimal(text.removesuffix("%")) / (100 if relative else 1), relative


@dataclass(frozen=True)
class WrittenAs:
    """How a value is written in the stack file, as JSON Schema: instead of, or (`also`) beside, the type's own form."""

    schema: str
    also: bool = False

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [json.loads(self.schema), handler(core)]} if self.also else json.loads(self.schema)


_NUMBER_OR_PERCENT = r'{"type": ["string", "number"], "pattern": "^\\s*\\d*\\.?\\d+\\s*%?\\s*$"}'
_DURATION = r'{"type": "string", "pattern": "^\\s*\\d+(\\.\\d+)?\\s*[smhdwy]\\s*$"}'

Tolerance = Annotated[str, BeforeValidator(check_tolerance), WrittenAs(_NUMBER_OR_PERCENT)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration), WrittenAs(_DURATION)]
Share = Annotated[float, BeforeValidator(parse_share), WrittenAs(_NUMBER_OR_PERCENT)]
Probability = Annotated[float, Field(ge=0, le=1)]


class SystemKind(StrEnum):
    """What a system is for; used in reports and groups, never to decide."""

    ATS = "ats"
    HRIS = "hris"
    PAYROLL = "payroll"
    CHECK = "check"
    ONBOARDING = "onboarding"
    DIRECTORY = "directory"
    OTHER = "other"


class AttributeType(StrEnum):
    """What a value is, hence its column type and how two of them are compared."""

    TEXT = "text"  # VARCHAR; compared after Unicode NFC and white-space folding
    NAME = "name"  # VARCHAR; case, accents and spacing are a cause of difference, not equality
    EMAIL = "email"  # VARCHAR; lower-cased
    PHONE = "phone"  # VARCHAR; digits with leading + (00 → +)
    IDENTIFIER = "identifier"  # VARCHAR; text with its zeros
    CODE = "code"  # VARCHAR; compared case-insensitively
    DATE = "date"  # DATE
    TIMESTAMP = "timestamp"  # TIMESTAMPTZ
    INTEGER = "integer"  # BIGINT
    DECIMAL = "decimal"  # DECIMAL(18,4)
    MONEY = "money"  # DECIMAL(18,4), in the currency of the mapping
    PAY = "pay"  # DECIMAL(18,4), per YEAR: the mapping turns hour, week, … into years
    BOOLEAN = "boolean"  # BOOLEAN
    PERSON = "person"  # VARCHAR; another record's key in the same system (a manager), compared as persons
    SECRET = "secret"  # noqa: S105  VARCHAR; keyed hash (HMAC-SHA-256) only, never the value


class Sensitivity(StrEnum):
    """How a value may be shown: `normal` in clear, all others masked by default."""

    NORMAL = "normal"
    PERSONAL = "personal"
    PAY = "pay"
    SPECIAL = "special"  # GDPR Art. 9
    SECRET = "secret"  # noqa: S105  a word, not one
