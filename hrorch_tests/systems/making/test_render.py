"""Letters say what the handoff says, in any script, and a template that does not fit stops before anything is sent."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrorch_pipelines.stack.handing import Handoff, Invite, Mail
from hrorch_pipelines.systems.making.letters_pdf import pdf
from hrorch_pipelines.systems.making.manner import long_date, money
from hrorch_pipelines.systems.making.render import event, event_uid, letter
from hrorch_pipelines.systems.making.template_check import template_faults
from hrorch_pipelines.systems.writing.protocol import WriteFault

SHIPPED = Path(__file__).parents[3] / "data"
OFFER = {
    "candidate_name": "Zoë Müller", "job_title": "Nurse", "start_date": "2026-07-20", "pay_amount": "41.2500",
    "pay_currency": "USD", "pay_unit": "hour", "dated": "2026-06-30", "answer_by": None,
}  # fmt: skip
TO = "zoe@example.org"


def stack_in(folder: Path, **handoffs: Mail | Invite) -> SimpleNamespace:
    made = {name: Handoff(when="true", then=then, within="1h", owner="hr") for name, then in handoffs.items()}
    return SimpleNamespace(folder=folder, organization=SimpleNamespace(name="Lakeside Health"), handoffs=made)


def mail(**given: object) -> Mail:
    fields = dict.fromkeys(OFFER, "x")
    return Mail(
        **{"mail": "letters", "to": "x", "subject": "Your offer", "text": "letters/offer.txt", "fields": fields} | given
    )


def test_the_shipped_offer_is_a_pdf_made_to_be_kept() -> None:
    stack = stack_in(SHIPPED)
    offer = mail(attach="letters/offer.typ", attach_as="offer.pdf")
    made = letter(stack, offer, f" {TO} ", OFFER)
    assert (made.to, made.subject, made.attach_as) == (TO, "Your offer", "offer.pdf")
    assert "Dear Zoë Müller," in made.text
    assert "July 20, 2026" in made.text
    assert made.attachment is not None
    assert made.attachment.startswith(b"%PDF-")
    assert b"pdfaid:part" in made.attachment
    again = letter(stack, offer, TO, dict(reversed(OFFER.items())))
    assert again == made, "the same fields give the same bytes"
    assert letter(stack, offer, TO, OFFER | {"dated": "2026-07-01"}).attachment != made.attachment


def test_nothing_of_a_letter_is_in_its_repr() -> None:
    assert "Zoë" not in repr(letter(stack_in(SHIPPED), mail(), TO, OFFER))
    assert TO not in repr(letter(stack_in(SHIPPED), mail(), TO, OFFER))


def test_the_shipped_templates_have_no_faults_with_the_fields_they_name() -> None:
    told = ("candidate_name", "job_title", "start_date", "location", "manager_name", "work_email")
    left = ("person_name", "job_title", "end_date", "manager_name")
    stack = stack_in(
        SHIPPED,
        offer=mail(attach="letters/offer.typ"),
        manager=mail(text="letters/manager-told.txt", fields=dict.fromkeys(told, "x")),
        left=mail(text="letters/leaver-told.txt", fields=dict.fromkeys(left, "x")),
        day=Invite(
            invite="calendar",
            starts="x",
            summary="First day",
            text="letters/first-day.txt",
            fields=dict.fromkeys(told, "x"),
        ),
    )
    assert template_faults(stack) == []


def test_a_declared_field_that_is_empty_is_never_printed_but_may_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(
        "Hello\n{% if name %}dear {{ name }}{% else %}there{% endif %}\n{{ pay | money('USD') }}"
    )
    stack, plain = stack_in(tmp_path), mail(text="a.txt")
    assert letter(stack, plain, TO, {"name": None, "pay": "85000.0000"}).text == "Hello\nthere\nUSD 85,000"
    with pytest.raises(WriteFault, match=r"a\.txt, line 3: nothing stands in field `pay`") as told:
        letter(stack, plain, TO, {"name": None, "pay": None})
    assert (told.value.outcome, told.value.code) == ("unwritable", "empty_field")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("one\n{{ nmae }}", "a.txt, line 2: there is no field `nmae`"),
        ("{% if %}", "a.txt, line 1"),
        ("{{ name | mony }}", "a.txt, line 1: No filter named 'mony'"),
        ("{% include 'b.txt' %}", "there is no template 'b.txt'"),
        ("{{ name | long_date }}", "a.txt, line 1: a field is not a date"),
        ("\n\n{{ 1 // 0 }}", "a.txt, line 3: it cannot be filled in (ZeroDivisionError)"),
        ("{{ name.__class__.__mro__ }}", "a.txt, line 1"),
        (b"\xff\xfe", "a.txt is not UTF-8"),
    ],
)
def test_a_broken_template_says_file_and_line_and_no_value(tmp_path: Path, text: str | bytes, what: str) -> None:
    (tmp_path / "a.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WriteFault) as told:
        letter(stack_in(tmp_path), mail(text="a.txt"), TO, {"name": "Xenia"})
    assert told.value.outcome == "unwritable"
    assert what in told.value.what
    assert "Xenia" not in str(told.value)


@pytest.mark.parametrize(
    ("then", "key", "what"),
    [
        (mail(text="missing.txt"), "text", "there is no template 'missing.txt' beside the stack file"),
        (mail(text="../a.txt"), "text", "there is no template '../a.txt' beside the stack file"),
        (mail(text="part.txt"), "text", "inner.txt, line 2: there is no field `nobody`"),
        (mail(text="fine.txt", subject="{{ nope }}"), "subject", "subject, line 1: there is no field `nope`"),
        (mail(text="fine.txt", subject="{% if %}"), "subject", "subject, line 1"),
        (mail(text="fine.txt", subject="a\nb"), "subject", "takes more than one line"),
        (mail(text="fine.txt", attach="gone.typ"), "attach", "there is no template 'gone.typ'"),
        (mail(text="fine.txt", attach="fine.txt"), "attach", "is not a Typst template"),
        (mail(text="fine.txt", attach="field.typ"), "attach", "field.typ, line 3: there is no field `nope`"),
        (mail(text="fine.txt", attach="syntax.typ"), "attach", "syntax.typ, line 2: "),
        (mail(text="fine.txt", attach="net.typ"), "attach", "packages are not fetched"),
        (mail(text="fine.txt", attach="away.typ"), "attach", "away.typ, line 1: "),
        (Invite(invite="c", starts="x", summary="{{ nope }}"), "summary", "summary, line 1: there is no field `nope`"),
    ],
)
def test_faults_of_templates_are_found_at_load(tmp_path: Path, then: Mail | Invite, key: str, what: str) -> None:
    folder = tmp_path / "stack"
    folder.mkdir()
    for name, text in {
        "fine.txt": "{{ candidate_name }} {{ organization }}",
        "part.txt": "{% include 'inner.txt' %}",
        "inner.txt": "\n{{ nobody }}",
        "field.typ": "= Hello\n#fields.candidate_name\n#fields.nope",
        "syntax.typ": "\n#let = ",
        "net.typ": '#import "@preview/cetz:0.3.0": *',
        "away.typ": '#read("../secret")',
        "../a.txt": "outside",
    }.items():
        (folder / name).write_text(text)
    (path, said, remedy), *more = template_faults(stack_in(folder, step=then))
    assert (path, more) == (("handoffs", "step", "then", key), [])
    assert what in said
    assert remedy
    assert str(tmp_path) not in said


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"start_date": None}, "offer.typ, line 52: nothing stands in field `start_date`"),
        ({"start_date": "Xenia soon"}, "a field is not a date"),
        ({"pay_amount": "Xenia"}, "a field is not an amount"),
        ({"candidate_name": "Xenia \U00013000"}, "no font at hand has a sign"),
    ],
)
def test_a_pdf_that_cannot_be_laid_out_says_where_and_no_value(change: dict[str, str | None], what: str) -> None:
    with pytest.raises(WriteFault) as told:
        pdf(SHIPPED / "letters/offer.typ", "Lakeside", OFFER | change)
    assert told.value.outcome == "unwritable"
    assert what in told.value.what
    assert "Xenia" not in str(told.value)


def test_no_value_is_code_in_a_pdf(tmp_path: Path) -> None:
    (tmp_path / "a.typ").write_text("#fields.name")
    attacks = ['#panic("x")', '"; #read("/etc/passwd")', "$ x $ *b* _i_ @ref <label>", '\\", "a": "b']
    made = {pdf(tmp_path / "a.typ", "X", {"name": attack}) for attack in attacks}
    assert len(made) == len(attacks)


_SCRIPTS = st.text(
    st.sampled_from("abzÀÉØßğőřşžĐđỄựƠΑΩαωέЖщъіїґџשלםع"), min_size=1, max_size=30
)  # Latin with all its accents, Greek, Cyrillic: what Typst's own fonts hold; Hebrew and Arabic where this machine has them


@settings(max_examples=40, deadline=None)
@given(name=_SCRIPTS)
def test_names_of_many_scripts_are_printed_or_refused_never_boxed(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "n.typ").write_text("#fields.name")
    (folder / "n.txt").write_text("{{ name }}")
    assert letter(stack_in(folder), mail(text="n.txt"), TO, {"name": name}).text == name
    own = all(ord(sign) < 0x590 or 0x1E00 <= ord(sign) < 0x1F00 for sign in name)
    with nullcontext() if own else suppress(WriteFault):
        assert pdf(folder / "n.typ", "X", {"name": name}).startswith(b"%PDF-")


NO_ADDRESS = [
    "", None, "  ", "a", "a@", "@b", "a@b@c", "a b@c.de", "a@b.de\nBcc: x@y.z", "a@b.de,c@d.ef", "A <a@b.de>",
    "a@b.de\x00", "a@-b", "a@b.",
]  # fmt: skip


@pytest.mark.parametrize("to", NO_ADDRESS)
def test_only_one_plain_address_is_written_to(to: str | None) -> None:
    with pytest.raises(WriteFault) as told:
        letter(stack_in(SHIPPED), mail(), to, OFFER)
    assert (told.value.outcome, told.value.code) == ("unwritable", "bad_address")
    assert not to or to.strip() not in told.value.what.split()


def test_a_domain_of_another_script_is_written_as_dns_does() -> None:
    assert letter(stack_in(SHIPPED), mail(), "post@bücher.example", OFFER).to == "post@xn--bcher-kva.example"


@settings(max_examples=60, deadline=None)
@given(name=st.text(max_size=40))
def test_a_subject_is_one_printable_line_or_nothing_is_sent(name: str) -> None:
    filled = OFFER | {"candidate_name": name}
    asked = f"Offer {name}".strip()
    if asked.isprintable():
        assert letter(stack_in(SHIPPED), mail(subject="Offer {{ candidate_name }}"), TO, filled).subject == asked
    else:
        with pytest.raises(WriteFault) as told:
            letter(stack_in(SHIPPED), mail(subject="Offer {{ candidate_name }}"), TO, filled)
        assert (told.value.outcome, told.value.code) == ("unwritable", "header")


INVITE = Invite(invite="calendar", starts="x", lasts="90m", summary="First day of {{ name }}", fields={"name": "x"})
CONTENT = {
    "starts": "2026-07-20",
    "location": " Chicago ",
    "attendees": ["a@b.de", None, " ", "a@b.de"],
    "fields": {"name": "Zoë"},
}


def test_an_event_lasts_all_day_or_as_long_as_declared() -> None:
    day = event(stack_in(SHIPPED), INVITE, event_uid("abc"), 2, CONTENT)
    assert (day.uid, day.sequence, day.starts, day.ends) == ("hrorch-abc", 2, date(2026, 7, 20), date(2026, 7, 21))
    assert (day.summary, day.location, day.attendees, day.cancelled) == (
        "First day of Zoë",
        "Chicago",
        ("a@b.de",),
        False,
    )
    moment = event(stack_in(SHIPPED), INVITE, "u", 0, CONTENT | {"starts": "2026-07-20T09:00:00-05:00"}, cancelled=True)
    assert (moment.starts, moment.ends) == (
        datetime(2026, 7, 20, 14, tzinfo=UTC),
        datetime(2026, 7, 20, 15, 30, tzinfo=UTC),
    )
    assert moment.cancelled
    assert "Zoë" not in repr(day)


@pytest.mark.parametrize("starts", [None, "", "soon", "2026-07-20T09:00:00", "2026-13-40"])
def test_an_event_without_a_clear_beginning_is_not_made(starts: str | None) -> None:
    with pytest.raises(WriteFault) as told:
        event(stack_in(SHIPPED), INVITE, "u", 0, CONTENT | {"starts": starts})
    assert told.value.outcome == "unwritable"


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("85000.0000", "USD 85,000"),
        ("28.5", "USD 28.50"),
        ("28.1234", "USD 28.1234"),
        ("1234567.8900", "USD 1,234,567.89"),
        ("0", "USD 0"),
        ("1E+5", "USD 100,000"),
    ],
)
def test_amounts_are_written_with_their_currency(amount: str, written: str) -> None:
    assert money(amount, "USD") == written


@pytest.mark.parametrize("text", ["", "x", "2026-7-1", "2026-07-01x", "20260701"])
def test_what_is_no_date_or_amount_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        long_date(text)
    with pytest.raises(ValueError, match="is not an amount"):
        money("nan", "USD")


def test_days_and_moments_are_written_long() -> None:
    assert (long_date("2026-07-01"), long_date("2026-12-24 18:00:00+00")) == ("July 1, 2026", "December 24, 2026")
