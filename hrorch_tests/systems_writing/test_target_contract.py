"""What every target promises, asked of each alike; and the example of docs/writing-a-target.md, run as it stands there."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.protocol import Change, Held, Target, Write, WriteFault
from hrorch_tests.systems_writing.small_stack import small_stack

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = bytes(range(32))
PAGE = Path(__file__).parents[2] / "docs" / "writing-a-target.md"


@dataclass
class Place:
    """A target and its system, which the test can look into and edit behind its back."""

    target: Target
    everything: Callable[[], Any]
    edit: Callable[[str], None]
    take_away: Callable[[], None]


def block(language: str) -> str:
    """The one block of the page in that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def phones(folder: Path) -> Place:
    file = folder / "exchange" / "phones.json"
    file.parent.mkdir()
    lines = [{"id": "7", "ext": "100", "rev": 1, "note": "a"}, {"id": "8", "ext": "200", "rev": 5}]
    file.write_text(json.dumps({"lines": lines}), encoding="utf-8")
    declared = yaml.safe_load(block("yaml"))["systems"]["phones"]
    del declared["owner"], declared["writes"]
    stack = small_stack(declared, declared.pop("records"), {"extension": "text"}, folder)
    scope: dict[str, Any] = {}
    exec(compile(block("python"), str(PAGE), "exec"), scope)  # noqa: S102  (our own page)

    def edit(value: str) -> None:
        content = json.loads(file.read_text(encoding="utf-8"))
        content["lines"][0] |= {"ext": value, "rev": content["lines"][0]["rev"] + 1}
        file.write_text(json.dumps(content), encoding="utf-8")

    def everything() -> Any:
        rows = json.loads(file.read_text(encoding="utf-8"))["lines"]
        return {row["id"]: (row["ext"], row.get("note")) for row in rows}

    return Place(scope["PhonesTarget"](stack, "s", SetClock(NOW), KEY), everything, edit, file.unlink)


def table(folder: Path) -> Place:
    file = folder / "hr.db"

    def execute(statement: str, *values: str) -> list[Any]:
        con = sqlite3.connect(file)
        with con:
            found = con.execute(statement, values).fetchall()
        con.close()
        return found

    execute("CREATE TABLE line (id TEXT, ext TEXT, note TEXT)")
    execute("INSERT INTO line VALUES ('7', '100', 'a'), ('8', '200', NULL)")
    record = {"read": {"table": "line"}, "key": "id", "fields": {"extension": "ext"}, "write": {"table": "line"}}
    stack = small_stack(
        {"connector": "sql", "base_url": "sqlite:///hr.db"}, {"line": record}, {"extension": "text"}, folder
    )
    return Place(
        target_for(stack, "s", SetClock(NOW), KEY),
        lambda: {key: (ext, note) for key, ext, note in execute("SELECT * FROM line")},
        lambda value: execute("UPDATE line SET ext = ? WHERE id = '7'", value).clear(),
        file.unlink,
    )


@pytest.fixture(params=[phones, table])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = request.param(tmp_path)
    yield made
    made.target.close()


def write(source_id: str = "7", before: str = "100", after: str = "199") -> Write:
    return Write("s", "line", source_id, (Change("extension", before, after),), "key-1")


def test_a_value_lands_and_nothing_else_changes(place):
    held = place.target.read(write())
    assert (held.found, dict(held.values)) == (True, {"extension": "100"})
    place.target.send(write(), held)
    assert dict(place.target.read(write()).values) == {"extension": "199"}
    assert place.everything() == {"7": ("199", "a"), "8": ("200", None)}


def test_a_foreign_edit_in_between_is_never_overwritten(place):
    held = place.target.read(write())
    place.edit("150")
    with pytest.raises(WriteFault) as fault:
        place.target.send(write(), held)
    assert fault.value.outcome == "changed"
    assert place.everything()["7"] == ("150", "a")


def test_sent_twice_it_is_done_once(place):
    held = place.target.read(write())
    place.target.send(write(), held)
    place.edit("150")
    with pytest.raises(WriteFault) as fault:
        place.target.send(write(), held)
    assert fault.value.outcome == "changed"
    assert place.everything()["7"] == ("150", "a")


def test_a_record_that_is_gone_is_not_invented(place):
    before = place.everything()
    assert place.target.read(write("9")) == Held(found=False)
    with pytest.raises(WriteFault) as fault:
        place.target.send(write("9"), Held(found=False))
    assert fault.value.outcome == "changed"
    assert place.everything() == before


def test_a_preview_sends_nothing_and_shows_no_value(place):
    before = place.everything()
    for held in (None, place.target.read(write())):
        shown = place.target.preview(write(), held)
        assert shown
        assert "199" not in repr(shown)
    assert place.everything() == before


def test_nobody_there_is_not_done(place):
    held = place.target.read(write())
    place.take_away()
    for ask in (lambda: place.target.read(write()), lambda: place.target.send(write(), held)):
        with pytest.raises(WriteFault) as fault:
            ask()
        assert fault.value.outcome == "not_done"
        assert "199" not in str(fault.value)
