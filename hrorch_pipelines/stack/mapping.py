"""How one source value becomes a canonical one: everything a field mapping can say. Meaning only; `systems.mapping` does it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from hrorch_pipelines.stack.terms import WrittenAs

PayUnit = Literal["year", "month", "semimonth", "biweek", "week", "day", "hour"]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Part(BaseModel):
    """A declared part of the stack file: unknown keys refused, never changed after load."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class Split(Part):
    """Take one piece of a value: `Last, First` → `{by: ",", take: 1}`. Pieces count from 0; -1 is the last."""

    by: str = Field(min_length=1, description="The text between the pieces.")
    take: int = Field(0, description="Which piece, from 0; -1 is the last.")


class FieldMap(Part):
    """One attribute's way from the source. Steps act in the order listed here. A plain string means `{from: that}`."""

    from_: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        None,
        alias="from",
        description="Path or paths in the source record: a column name, or a dotted JSON path such as `name.first`, "
        '`custom_fields[0].value`, `emails[?type=work].value` (the first that matches), `"key.with.dots".x`. '
        "In an exploded record paths start at the element, `^.id` reads the record that holds it. "
        "Several are joined with `join`, those with nothing in them left out.",
    )
    const: str | None = Field(None, description="A fixed value instead of a path.")
    join: str = Field(" ", description="What goes between several `from` values.")
    trim: bool = Field(True, description="Remove white space (also non-breaking) at both ends.")
    null_values: list[str] = Field(
        default_factory=lambda: [""], description="Texts that mean 'nothing here'. JSON null always does."
    )
    hidden_values: list[str] = Field(
        default_factory=list,
        description="Texts that mean 'withheld from us' (`***`, `XXX-XX-XXXX`): the cell is `hidden`.",
    )
    split: Split | None = Field(None, description="Take one piece of the value.")
    map: dict[str, str] = Field(default_factory=dict, description="Source value → canonical value.")
    catalogue: str | None = Field(
        None, description="A CSV beside the stack file with columns `source,canonical`; used like `map`."
    )
    unmapped: Literal["fail", "keep"] = Field(
        "fail", description="A value that `map`/`catalogue` does not know: a gate failure, or kept as it is."
    )
    format: str | list[str] | None = Field(
        None,
        description="Dates: strptime format(s), tried in order, or `excel` (serial day number), `epoch`, `epoch_ms`. "
        "Without it only ISO 8601 is read.",
    )
    time_zone: str | None = Field(None, description="Zone of a timestamp that carries none; IANA name.")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of numbers.")
    thousands: Literal["", ",", ".", " ", "'"] = Field("", description="Thousands mark of numbers.")
    currency: Currency | None = Field(
        None, description="Currency of the amount; a leading or trailing symbol is removed."
    )
    unit: PayUnit | None = Field(None, description="Pay: what the amount is per, when it is always the same.")
    unit_from: str | None = Field(None, description="Pay: path that says what the amount is per.")
    unit_map: dict[str, PayUnit] = Field(default_factory=dict, description="Pay: the source's words for the units.")
    hours_per_year: int = Field(2080, gt=0, description="Pay per hour × this = pay per year.")
    true_values: list[str] = Field(
        default_factory=lambda: ["true", "yes", "y", "1", "t"],
        description="Booleans: what means true, in any letter case.",
    )
    false_values: list[str] = Field(
        default_factory=lambda: ["false", "no", "n", "0", "f"],
        description="Booleans: what means false, in any letter case.",
    )
    case: Literal["lower", "upper"] | None = Field(None, description="Force letter case.")
    sql: str | None = Field(
        None,
        description="A DuckDB SQL expression for the rest. `value` is the text after the steps above; "
        "`field('path')` reads any other source field as text.",
    )
    write_map: dict[str, str] = Field(
        default_factory=dict,
        description="Writing: canonical value → source value, where `map` or `sql` cannot be turned round.",
    )
    write_to: str | None = Field(
        None, description="Writing: the field the value goes to, where it is not the one it is read from."
    )

    @model_validator(mode="after")
    def _has_a_source(self) -> FieldMap:
        if self.from_ is None and self.const is None and self.sql is None:
            raise ValueError("a field needs `from`, `const` or `sql`")
        if self.from_ is not None and self.const is not None:
            raise ValueError("a field has either `from` or `const`, not both")
        return self

    @property
    def paths(self) -> list[str]:
        """Source paths, in order; empty for a constant."""
        if self.from_ is None:
            return []
        return [self.from_] if isinstance(self.from_, str) else list(self.from_)

    @property
    def read_from(self) -> list[str]:
        """Every path it reads: its own, and that of the unit."""
        return [path for path in (*self.paths, self.unit_from) if path]


def _as_field(value: Any) -> Any:
    return {"from": value} if isinstance(value, str | list) else value


_A_PATH = '{"type": "string", "description": "A path: short for {from: that}."}'
_PATHS = '{"type": "array", "items": {"type": "string"}, "description": "Paths to join: short for {from: [...]}."}'
Field_ = Annotated[FieldMap, BeforeValidator(_as_field), WrittenAs(_PATHS, also=True), WrittenAs(_A_PATH, also=True)]
"""A field mapping, or just a path (or several)."""


class Effective(Part):
    """The record is one row of an effective-dated table: many rows per key, each valid from one day to another."""

    from_: Field_ = Field(alias="from", description="First day the row counts.")
    to: Field_ | None = Field(
        None,
        description="Day after the last one it counts (exclusive). Without it, the next row's `from` ends it. 9999-… = open.",
    )
    to_inclusive: bool = Field(False, description="True when the source's `to` is the last day itself.")
    sequence: Field_ | None = Field(None, description="Breaks a tie between rows of one day: the greatest counts.")
