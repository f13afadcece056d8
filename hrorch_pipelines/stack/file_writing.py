"""Change files in the stack file: where they go, what a line holds, how the vendor answers. `systems.writing.files` does it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from string import Formatter
from typing import Literal

from pydantic import Field, field_validator, model_validator

from hrorch_pipelines.stack.mapping import Part

OF_ONE_CHANGE = frozenset({"attribute", "field", "before", "after"})
"""Words that make a line hold one change instead of one person."""
_WORDS = OF_ONE_CHANGE | {"key", "reference", "effective", "date"}


@dataclass(frozen=True)
class FileColumn:
    """One column: a source field, or a text with words to be filled in."""

    header: str
    field: str | None = None
    text: str = ""

    @property
    def words(self) -> frozenset[str]:
        """The words its text asks for."""
        return frozenset(word for _, word, _, _ in Formatter().parse(self.text) if word is not None)


def file_column(written: str) -> FileColumn:
    """`email` (a source field), `{key}`, `Employee={key}`, `Action=U`. Raises ValueError naming an unknown word."""
    if "=" not in written and "{" not in written:
        return FileColumn(written, field=written)
    header, equals, text = written.partition("=")
    if not equals or "{" in header:
        header, text = written.strip("{}").partition(":")[0], written
    column = FileColumn(header, text=text)
    if unknown := sorted(column.words - _WORDS):
        known = ", ".join(f"`{{{word}}}`" for word in sorted(_WORDS))
        raise ValueError(f"`{{{unknown[0]}}}` in `columns` is none of {known}")
    return column


class FileAnswer(Part):
    """The acknowledgement file: one line per line of the change file that was looked at."""

    format: Literal["csv", "fixed"] = Field("csv", description="Layout.")
    columns: list[str] = Field(default_factory=list, description="Column names of an answer without a header.")
    widths: list[int] = Field(default_factory=list, description="Fixed width: characters per column.")
    delimiter: str | None = Field(None, description="CSV; detected when absent.")
    encoding: str | None = Field(None, description="Detected when absent.")
    reference: str = Field("reference", description="Column with the `{reference}` of the line.")
    status: str = Field("status", description="Column that says what became of it.")
    code: str | None = Field(None, description="Column with the vendor's code of a refusal; its texts are never kept.")
    pending: list[str] = Field(
        default_factory=lambda: ["pending", "received", "queued", "processing"],
        description="Statuses that mean: not decided yet.",
    )
    refused: list[str] = Field(
        default_factory=lambda: ["error", "rejected", "refused", "failed", "invalid"],
        description="Statuses that mean a row was not taken. A status in no list is nobody's guess: it becomes a case.",
    )


class FileWrite(Part):
    """A change file in the vendor's layout, dropped as `.part` and renamed; the acknowledgement file is read back."""

    drop: str = Field(
        description="Folder or URL for change files; `{date}`, `{time}` and `{batch}` are filled in the name. A name without "
        "`{batch}` is a folder. Relative to `base_url`."
    )
    format: Literal["csv", "fixed"] = Field("csv", description="Layout.")
    columns: list[str] = Field(
        min_length=1,
        description="Columns in order: source fields, or texts with `{key}`, `{attribute}`, `{field}`, `{before}`, `{after}`, "
        "`{reference}`, `{effective}`, `{date}`, as `{key}` or `Header={key}`; `Action=U` is always the same, "
        "`{effective:%m/%d/%Y}` and `{after:0>9}` are Python formats. With one of attribute, field, before or after a line "
        "holds one change and source fields repeat the export; else it is one person, and fields that do not change stay empty.",
    )
    widths: list[int] = Field(default_factory=list, description="Fixed width: characters per column.")
    delimiter: str = Field(",", min_length=1, max_length=1, description="CSV.")
    encoding: str = Field("utf-8", description="Encoding of the file.")
    line_end: Literal["crlf", "lf"] = Field("crlf", description="How lines end.")
    header: bool = Field(True, description="Whether a line of column names comes first.")
    clear: str | None = Field(
        None, description="The text that empties a field, where an empty column means that nothing changes."
    )
    acknowledgement: str | None = Field(
        None, description="Folder or URL pattern of the answer; `{name}` is the change file's name without its ending."
    )
    accepted: list[str] = Field(
        default_factory=lambda: ["ok", "accepted", "success"], description="Statuses that mean a row was taken."
    )
    answer: FileAnswer = Field(FileAnswer(), description="What the acknowledgement file looks like.")

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError(f"`{encoding}` is not an encoding that Python knows") from None
        return encoding

    @model_validator(mode="after")
    def _fits(self) -> FileWrite:
        """All that can be said without looking at the other parts."""
        columns = [file_column(written) for written in self.columns]
        if self.format == "fixed":
            if len(self.widths) != len(columns):
                raise ValueError(f"{len(columns)} `columns` but {len(self.widths)} `widths`")
            if self.header and any(len(one.header) > width for one, width in zip(columns, self.widths, strict=True)):
                raise ValueError(
                    "a column's name is longer than its width; say `header: false`, or name it `Short={...}`"
                )
        if self.acknowledgement is not None:
            if "{name}" not in self.acknowledgement:
                raise ValueError("`acknowledgement` needs `{name}`, or an answer could not be told from another's")
            if not any("reference" in one.words for one in columns):
                raise ValueError("`acknowledgement` needs a column `{reference}`, or its lines say nothing about ours")
        return self

    @property
    def layout(self) -> list[FileColumn]:
        """The columns, read."""
        return [file_column(written) for written in self.columns]

    @property
    def per_change(self) -> bool:
        """Whether a line holds one change; else one person."""
        return any(one.words & OF_ONE_CHANGE for one in self.layout)
