"""One part of the stack file's reference, as docs/stack-file.md shows it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True)
class Section:
    """One part of the reference. `kind` says what the example is, so that a test can check it: a key of the file, or a model."""

    title: str
    text: str
    models: tuple[type[BaseModel], ...]
    example: str = ""
    kind: str = ""
