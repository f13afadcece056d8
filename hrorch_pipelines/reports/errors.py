"""What can go wrong when a report is asked for."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError


class UnknownChoiceError(HrorchError):
    """A filter or format names something that does not exist."""

    def __init__(self, what: str, given: str, known: tuple[str, ...]) -> None:
        from rapidfuzz import process

        near = process.extractOne(given, known)
        hint = f"did you mean `{near[0]}`? " if near else ""
        super().__init__(f"There is no {what} `{given}`.", remedy=f"{hint}Known: {', '.join(known)}")
        self.given = given


class UnknownPersonError(HrorchError):
    """Nobody goes by that name."""

    def __init__(self) -> None:
        super().__init__(
            "No person goes by what was given.",
            remedy="give a person id (p-…), `system:source_id` as in `payroll:1234`, or an employee number",
        )


class FileNeededError(HrorchError):
    """A form that is no text would go to a screen, or several tables into a form that holds one."""

    def __init__(self, form: str) -> None:
        super().__init__(
            f"The format `{form}` cannot be shown on a screen.", remedy=f"name a file: `--output report.{form}`"
        )
        self.form = form


class NothingComparedError(HrorchError):
    """The copy that is read holds no finished cycle."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing has been compared yet.", remedy="run `hrorch run`, or the job `cycle` in Dagster, then ask again"
        )


class AmbiguousPersonError(HrorchError):
    """Several people go by that name."""

    def __init__(self, people: int) -> None:
        super().__init__(
            f"{people} persons go by what was given.",
            remedy="give more of the person id, or `system:source_id` as in `payroll:1234`",
        )
        self.people = people
