"""Change files for a vendor: exact lines, one rename, no row applied twice, answers believed only when they are ours."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.files import FilesTarget
from hrorch_pipelines.systems.writing.protocol import Answer, BatchTarget, Change, Receipt, Write, WriteFault
from hrorch_tests.drawing import drawn
from hrorch_tests.systems.conftest import free_port
from hrorch_tests.systems_writing.dropbox import PASSWORD, Clerk, sftp_server
from hrorch_tests.systems_writing.small_stack import small_stack

NOW = datetime(2026, 3, 2, 18, tzinfo=UTC)
KEY = bytes(range(32))
TYPES = {"department": "text", "work_email": "email", "pay_amount": "pay", "start_date": "date"}
FIELDS = {
    "department": "Team",
    "work_email": "Mail",
    "pay_amount": {"from": "Salary", "unit": "month"},
    "start_date": {"from": "Start", "format": "%m/%d/%Y"},
}
LAYOUT = {
    "drop": "in/changes_{date}_{time}_{batch}.csv",
    "columns": ["employee={key}", "{field}", "{before}", "{after}", "{reference}"],
    "acknowledgement": "acks/{name}.ack.csv",
    "answer": {"code": "code"},
}
STAFF = (
    "Id,Team,Mail,Salary,Start\r\n"
    "007,Payroll,ann@x.example,5000.00,02/29/2024\r\n"
    "008,Sales,bob@x.example,4000.00,01/01/2020\r\n"
)


@pytest.fixture
def vendor(tmp_path: Path) -> Clerk:
    folder = tmp_path / "vendor"
    for name in ("in", "acks"):
        (folder / name).mkdir(parents=True)
    (folder / "export.csv").write_text(STAFF, encoding="utf-8", newline="")
    return Clerk(folder)


Opener = Callable[..., FilesTarget]


@pytest.fixture
def opened(vendor: Clerk) -> Iterator[Opener]:
    targets: list[FilesTarget] = []

    def opener(*, at: datetime = NOW, system: dict[str, Any] | None = None, **layout: Any) -> FilesTarget:
        record = {"read": {"path": "export.csv"}, "key": "Id", "fields": FIELDS, "write": {**LAYOUT, **layout}}
        declared = {"connector": "files", "base_url": str(vendor.folder), **(system or {})}
        target = target_for(small_stack(declared, {"worker": record}, TYPES), "s", SetClock(at), KEY)
        assert isinstance(target, FilesTarget)
        targets.append(target)
        return target

    yield opener
    for target in targets:
        target.close()


def write(key: str, source_id: str, *changes: tuple[str, str | None, str | None], day: date | None = None) -> Write:
    return Write("s", "worker", source_id, tuple(Change(*change) for change in changes), key, day)


def dropped(vendor: Clerk) -> list[Path]:
    return sorted((vendor.folder / "in").iterdir())


def lines(path: Path, encoding: str = "utf-8") -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as text:
        return list(csv.reader(text))


ANN = write("key-of-ann", "007", ("department", "Payroll", "People"))
BOB = write("key-of-bob", "008", ("department", "Sales", "Ops"), ("pay_amount", "48000.0000", "60000.0000"))


def test_many_writes_are_one_file_and_the_answer_and_the_next_export_tell(vendor, opened):
    target = opened()
    assert isinstance(target, BatchTarget)
    receipts = target.send_batch([ANN, BOB])
    (file,) = dropped(vendor)
    assert receipts == {key: Receipt(file.name, deferred=True) for key in ("key-of-ann", "key-of-bob")}
    assert file.name.startswith("changes_2026-03-02_120000_")  # noon in Chicago
    found = lines(file)
    assert [row[:4] for row in found] == [
        ["employee", "field", "before", "after"],
        ["007", "Team", "Payroll", "People"],
        ["008", "Team", "Sales", "Ops"],
        ["008", "Salary", "4000.00", "5000.00"],
    ]
    assert target.acknowledged({"key-of-ann": file.name}) == {"key-of-ann": Answer("pending", reference=file.name)}
    assert target.read(ANN).values == {"department": "Payroll"}
    vendor.work()
    accepted = Answer("accepted", reference=file.name)
    assert target.acknowledged(dict.fromkeys(receipts, file.name)) == dict.fromkeys(receipts, accepted)
    assert target.read(ANN).values == {"department": "People"}
    assert target.read(BOB).values == {"department": "Ops", "pay_amount": "60000.0000"}


def test_a_refused_row_carries_the_vendors_code_and_none_of_its_words(vendor, opened):
    target = opened()
    vendor.refuse = lambda row: "E42" if row["employee"] == "007" else "Bob Miller has no such team"
    target.send_batch([ANN, BOB])
    vendor.work()
    answers = target.acknowledged(dict.fromkeys(["key-of-ann", "key-of-bob"], dropped(vendor)[0].name))
    assert [(answers[key].state, answers[key].code) for key in answers] == [("refused", "E42"), ("refused", None)]


def test_a_write_of_which_only_a_part_was_taken_is_nobodys_guess(vendor, opened):
    target = opened()
    vendor.refuse = lambda row: "E1" if row["field"] == "Salary" else None
    target.send_batch([BOB])
    vendor.work()
    answer = target.acknowledged({"key-of-bob": dropped(vendor)[0].name})["key-of-bob"]
    assert isinstance(answer, WriteFault)
    assert (answer.outcome, answer.code) == ("unknown", "partly_taken")


@pytest.mark.parametrize("takes", [False, True], ids=["left", "taken away"])
def test_sent_again_after_a_crash_nothing_is_applied_twice(vendor, opened, takes):
    vendor.takes = takes
    first = opened().send_batch([ANN])  # the crash: nobody notes the receipt
    if takes:
        vendor.work()
    later = opened(at=NOW + timedelta(days=1))
    assert later.acknowledged({"key-of-ann": None, "never": None}) == {
        "key-of-ann": Answer("accepted" if takes else "pending", reference=first["key-of-ann"].reference),
        "never": Answer("unseen"),
    }
    again = later.send_batch([BOB, ANN])  # another batch than before
    assert again["key-of-ann"] == first["key-of-ann"]
    vendor.work()
    assert vendor.applied() == {"key-of-ann": 1, "key-of-bob": 2}  # Bob's two fields


def test_a_file_without_its_name_was_never_sent(vendor, opened):
    target = opened()
    name = target.send_batch([ANN])["key-of-ann"].reference
    whole = (vendor.folder / "in" / name).read_bytes()
    (vendor.folder / "in" / name).unlink()
    (vendor.folder / "in" / f"{name}.part").write_bytes(whole[:40])
    assert opened().acknowledged({"key-of-ann": None}) == {"key-of-ann": Answer("unseen")}
    assert opened().send_batch([ANN])["key-of-ann"].reference == name
    assert [path.name for path in dropped(vendor)] == [name]
    assert dropped(vendor)[0].read_bytes() == whole


def test_the_same_batch_is_the_same_file_even_without_references(vendor, opened):
    layout = {"columns": ["{key}", "Team"], "acknowledgement": None}
    first = opened(**layout).send_batch([ANN])
    again = opened(at=NOW + timedelta(hours=5), **layout).send_batch([ANN])
    assert first == again
    assert len(dropped(vendor)) == 1


def test_what_the_export_no_longer_shows_is_not_sent(vendor, opened):
    target = opened()
    held = target.read(ANN)
    vendor.set("007", "Team", "Theirs")
    outcomes = target.send_batch([ANN, BOB, write("gone", "009", ("department", "a", "b"))])
    assert [outcomes[key].outcome for key in ("key-of-ann", "gone")] == ["changed", "changed"]
    assert outcomes["key-of-bob"].deferred
    with pytest.raises(WriteFault) as fault:
        target.send(ANN, held)
    assert fault.value.outcome == "changed"
    assert len(dropped(vendor)) == 1


def test_nothing_to_say_is_no_file(vendor, opened):
    outcomes = opened().send_batch([write("k", "009", ("department", "a", "b"))])
    assert outcomes["k"].outcome == "changed"
    assert dropped(vendor) == []
    assert opened().send_batch([]) == {}


def test_an_answer_with_lines_that_are_not_ours_is_not_believed(vendor, opened):
    target = opened()
    name = target.send_batch([ANN, BOB])["key-of-ann"].reference
    vendor.work()
    (ack,) = (vendor.folder / "acks").iterdir()
    with ack.open("a", encoding="utf-8", newline="") as text:
        text.write("key-of-carl-abcdef,OK,\r\n")
    answers = target.acknowledged({"key-of-ann": name, "key-of-bob": name})
    assert {(fault.outcome, fault.code) for fault in answers.values()} == {("unknown", "foreign_answer")}
    ack.write_text(ack.read_text(encoding="utf-8").replace("key-of-carl-abcdef,OK,\n", ""), encoding="utf-8")
    assert {one.state for one in target.acknowledged(dict.fromkeys(answers, name)).values()} == {"accepted"}


def test_an_answer_to_another_file_of_ours_is_not_believed_either(vendor, opened):
    target = opened()
    first = target.send_batch([ANN])["key-of-ann"].reference
    second = target.send_batch([BOB])["key-of-bob"].reference
    vendor.work()
    acks = vendor.folder / "acks"
    shutil.copy(acks / f"{first.removesuffix('.csv')}.ack.csv", acks / f"{second.removesuffix('.csv')}.ack.csv")
    answers = target.acknowledged({"key-of-ann": first, "key-of-bob": second})
    assert answers["key-of-ann"].state == "accepted"
    assert answers["key-of-bob"].code == "foreign_answer"


@pytest.mark.parametrize(
    ("content", "state", "code"),
    [
        ("", "pending", None),
        ("reference,status,code\r\n", "pending", None),
        ("reference,status,code\r\n{ref},received,\r\n", "pending", None),
        ("reference,status,code\r\n{ref}, Accepted ,\r\n", "accepted", None),
        ("reference,status,code\r\n{ref},REJECTED,E7\r\n", "refused", "E7"),
        ("reference,status,code\r\n{ref},half,\r\n", None, "unknown_status"),
        ("ref,status,code\r\n{ref},OK,\r\n", None, "missing_column"),
        ("reference,status,code\r\n{ref},OK", None, "cut_file"),
        ("PK\x03\x04", None, "binary_file"),
    ],
)
def test_each_sort_of_answer(vendor, opened, content, state, code):
    target = opened()
    name = target.send_batch([ANN])["key-of-ann"].reference
    reference = lines(vendor.folder / "in" / name)[1][4]
    ack = vendor.folder / "acks" / f"{name.removesuffix('.csv')}.ack.csv"
    ack.write_text(content.replace("{ref}", reference), encoding="utf-8", newline="")
    answer = target.acknowledged({"key-of-ann": name})["key-of-ann"]
    assert answer.code == code
    assert answer.outcome == "unknown" if state is None else answer.state == state


def test_an_answer_still_being_written_is_waited_for(vendor, opened):
    target = opened()
    name = target.send_batch([ANN])["key-of-ann"].reference
    vendor.work()
    (ack,) = (vendor.folder / "acks").iterdir()
    ack.rename(f"{ack}.part")
    assert target.acknowledged({"key-of-ann": name})["key-of-ann"].state == "pending"


def test_one_person_per_line_says_only_what_changes(vendor, opened):
    columns = ["{key}", "Action=U", "Team", "Salary", "Start", "from={effective:%d.%m.%Y}", "{reference}"]
    layout = {"columns": columns, "header": True, "delimiter": ";", "clear": "#"}
    changed = write(
        "k1", "007", ("department", "Payroll", None), ("pay_amount", "60000.0000", "66000.0000"), day=date(2026, 4, 1)
    )
    moved = write("k2", "008", ("start_date", "2020-01-01", "2020-02-01"))
    opened(**layout).send_batch([changed, moved])
    (file,) = dropped(vendor)
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines(), delimiter=";"))
    assert rows[0] == ["key", "Action", "Team", "Salary", "Start", "from", "reference"]
    assert [row[:6] for row in rows[1:]] == [
        ["007", "U", "#", "5500.00", "", "01.04.2026"],
        ["008", "U", "", "", "02/01/2020", ""],
    ]


def test_a_field_beside_one_change_repeats_the_export(vendor, opened):
    layout = {"columns": ["{key}", "Mail", "{field}", "{after}", "{reference}"]}
    opened(**layout).send_batch([write("k1", "007", ("department", "Payroll", None))])
    assert lines(dropped(vendor)[0])[1][:4] == ["007", "ann@x.example", "Team", ""]


def test_two_writes_of_one_person_do_not_undo_each_other(vendor, opened):
    layout = {"columns": ["{key}", "Team", "Mail", "{reference}"]}
    two = [
        write("k1", "007", ("department", "Payroll", "People")),
        write("k2", "007", ("work_email", "ann@x.example", "a@x.example")),
    ]
    opened(**layout).send_batch(two)
    assert [row[1:3] for row in lines(dropped(vendor)[0])[1:]] == [["People", ""], ["", "a@x.example"]]


@pytest.mark.parametrize(
    ("layout", "change", "code"),
    [
        ({"encoding": "cp1252"}, ("department", "Payroll", "Łódź"), "not_representable"),
        ({"columns": ["{key}", "Team", "{reference}"]}, ("department", "Payroll", None), "not_representable"),
        ({"columns": ["{key}", "Team", "{reference}"], "clear": "NONE"}, ("department", "Payroll", "NONE"), "not_representable"),
        ({"columns": ["{key}", "Mail", "{reference}"]}, ("department", "Payroll", "People"), "no_column"),
        (
            {"columns": ["Id={key}", "T={after}", "{reference}"], "format": "fixed", "widths": [4, 6, 17]},
            ("department", "Payroll", "Logistics"),
            "not_representable",
        ),
        (
            {"columns": ["Id={key}", "T={after}", "{reference}"], "format": "fixed", "widths": [4, 9, 17]},
            ("department", "Payroll", "A\nB"),
            "not_representable",
        ),
        (
            {"columns": ["Id={key}", "T={after}", "ref={reference}"], "format": "fixed", "widths": [4, 9, 11]},
            ("department", "Payroll", "People"),
            "reference_width",
        ),
    ],
)  # fmt: skip
def test_what_the_layout_cannot_say_is_not_sent_and_the_others_go(vendor, opened, layout, change, code):
    fine = write("key-of-fine", "008", ("department", "Sales", "Ops"))
    outcomes = opened(**layout).send_batch([write("key-of-bad", "007", change), fine])
    assert (outcomes["key-of-bad"].outcome, outcomes["key-of-bad"].code) == ("unwritable", code)
    text = "".join(path.read_text(encoding="utf-8") for path in dropped(vendor))
    assert "007" not in text
    if code in {"no_column", "reference_width"}:
        assert (outcomes["key-of-fine"].code, text) == (code, "")
    else:
        assert outcomes["key-of-fine"].deferred
        assert "008" in text


def test_a_day_from_which_a_value_counts_needs_a_column(vendor, opened):
    later = write("k", "007", ("department", "Payroll", "People"), day=date(2026, 4, 1))
    assert opened().send_batch([later])["k"].code == "no_day"


def test_fixed_width_is_padded_never_cut(vendor, opened):
    layout = {
        "columns": ["Id={key}", "F={field}", "V={after:>9}", "ref={reference}"], "widths": [6, 8, 9, 40],
        "format": "fixed", "header": False, "line_end": "lf", "encoding": "cp1252",
    }  # fmt: skip
    opened(**layout).send_batch([write("k", "007", ("department", "Payroll", "Zoë"))])
    (file,) = dropped(vendor)
    assert file.suffix == ".csv"
    line = file.read_bytes().decode("cp1252")
    assert line.startswith("007   Team          Zoë")
    assert (len(line), line[-1]) == (64, "\n")


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and text != "Payroll" and text.strip("\xa0\u200b\ufeff")
)


@settings(max_examples=drawn(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(TEXTS, st.sampled_from(["=1+1", "+41", "@x", "-2", 'a,"b"', "x;y", "O'Neill", '"', "#N/A"])))
def test_a_value_arrives_at_the_vendor_exactly(vendor, opened, text):
    for path in (vendor.folder / "in").iterdir():
        path.unlink()
    target = opened()
    outcome = target.send_batch([write("k", "007", ("department", "Payroll", text))])["k"]
    if isinstance(outcome, WriteFault):
        assert outcome.outcome == "unwritable"
        assert dropped(vendor) == []
    else:
        assert lines(dropped(vendor)[0])[1][3] == text


def test_a_preview_shows_fields_and_file_and_no_value(vendor, opened):
    target = opened()
    for held in (None, target.read(BOB)):
        shown = target.preview(BOB, held)
        assert [set(one.body) for one in shown] == [{"Team"}, {"Salary"}]
        assert shown[0].where == "in/changes_{date}_{time}_{batch}.csv"
        assert "Ops" not in repr(shown)
        assert "5000" not in repr(shown)
    assert dropped(vendor) == []


def test_a_broken_or_missing_export_or_folder_is_not_done(vendor, opened):
    export = vendor.folder / "export.csv"
    export.write_text('Id,Team,Mail,Salary,Start\r\n007,Payroll,"a', encoding="utf-8")
    with pytest.raises(WriteFault) as cut:
        opened().read(ANN)
    export.unlink()
    with pytest.raises(WriteFault) as gone:
        opened().read(ANN)
    export.write_text(STAFF, encoding="utf-8", newline="")
    (vendor.folder / "in").rmdir()
    with pytest.raises(WriteFault) as nowhere:
        opened().send_batch([ANN])
    assert [fault.value.outcome for fault in (cut, gone, nowhere)] == ["not_done"] * 3


class TestOverSftp:
    """The same over a real SFTP server."""

    @pytest.fixture
    def sftp(self, vendor: Clerk) -> Iterator[dict[str, Any]]:
        port = free_port()
        with sftp_server(vendor.folder, port) as known:
            yield {
                "base_url": f"sftp://127.0.0.1:{port}/",
                "credentials": {"username": "hr", "password": PASSWORD},
                "connection": {"options": {"known_hosts": str(known)}, "timeout": "5s"},
            }

    def test_dropped_answered_and_not_sent_twice(self, vendor, opened, sftp):
        target = opened(system=sftp)
        first = target.send_batch([ANN])
        assert [path.name for path in dropped(vendor)] == [first["key-of-ann"].reference]
        vendor.work()
        assert target.acknowledged({"key-of-ann": None})["key-of-ann"].state == "accepted"
        again = opened(system=sftp, at=NOW + timedelta(days=1)).send_batch([ANN, BOB])
        assert again["key-of-ann"] == first["key-of-ann"]
        assert again["key-of-bob"].reference != first["key-of-ann"].reference
        vendor.work()
        assert vendor.applied() == {"key-of-ann": 1, "key-of-bob": 2}
        assert target.read(ANN).values == {"department": "People"}

    def test_a_server_that_is_away_is_not_done(self, opened, sftp):
        lost = {**sftp, "base_url": f"sftp://127.0.0.1:{free_port()}/"}
        with pytest.raises(WriteFault) as fault:
            opened(system=lost).send_batch([ANN])
        assert fault.value.outcome == "not_done"
        assert PASSWORD not in str(fault.value)

    def test_a_connection_that_breaks_is_opened_again(self, opened, sftp):
        target = opened(system=sftp)
        target.read(ANN)
        for place, _ in target._folders._places.values():
            place.fs.client.close()
        with pytest.raises(WriteFault) as fault:
            target.send_batch([ANN])
        assert fault.value.outcome == "not_done"
        assert target.send_batch([ANN])["key-of-ann"].deferred
