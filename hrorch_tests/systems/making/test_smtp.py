"""A letter leaves once, under one Message-ID; what became of it is told plainly, whatever the server does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.stack.outlets import MailOutlet
from hrorch_pipelines.systems.making.connect import maker_for
from hrorch_pipelines.systems.making.mime import compose
from hrorch_pipelines.systems.making.protocol import Letter, Making, NewRecord, Seen
from hrorch_pipelines.systems.making.smtp import SmtpMaker
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_tests.systems.making.mail_servers import Inbox, certificate, free_port, scripted, taking, until_data

NOW = datetime(2026, 6, 30, 18, tzinfo=UTC)
KEY = "a1" * 32
LETTER = Letter(to="zoe@example.org", subject="Ihr Angebot, Zoë", text="Dear Zoë,\n.\n..\nbye\n")
UNTOLD = Seen("untold")


def outlet(port: int, **more: Any) -> MailOutlet:
    given = {"connector": "smtp", "host": "127.0.0.1", "port": port, "security": "none", "owner": "hr", "timeout": "5s"}
    return MailOutlet(**{**given, "sender": "People Team <people@lakeside.example>", **more})


def maker(port: int, **more: Any) -> SmtpMaker:
    stack: Any = SimpleNamespace(outlets={"letters": outlet(port, **more)}, systems={})
    made = maker_for(stack, "letters", SetClock(NOW), b"")
    assert isinstance(made, SmtpMaker)
    return made


def making(letter: Letter = LETTER, key: str = KEY) -> Making:
    return Making("letters", letter, key)


@pytest.fixture
def post() -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    with taking(inbox) as port:
        yield inbox, port


def test_a_letter_arrives_whole_with_its_attachment(post: tuple[Inbox, int]) -> None:
    inbox, port = post
    sender = maker(port, reply_to="hr@lakeside.example")
    letter = Letter(LETTER.to, LETTER.subject, LETTER.text, attachment=b"%PDF-\r\n.\r\n" * 9000, attach_as="offer.pdf")
    assert sender.look(making(letter)) == UNTOLD
    kept = sender.message(making(letter))
    receipt = sender.make(making(letter), UNTOLD)
    sender.close()
    (message,) = inbox.messages
    assert receipt.reference == "4XYZ12"
    assert inbox.raw == [kept], "what is kept as evidence is what was sent"
    assert (message["To"], message["Subject"]) == ("zoe@example.org", "Ihr Angebot, Zoë")
    assert (message["From"], message["Reply-To"]) == ("People Team <people@lakeside.example>", "hr@lakeside.example")
    assert message["Message-ID"] == f"<{KEY}@lakeside.example>"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    body = message.get_body()
    assert body is not None
    assert body.get_content().splitlines() == LETTER.text.splitlines()
    (part,) = message.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == ("offer.pdf", "application/pdf")
    assert part.get_content() == letter.attachment


def test_one_line_carries_many_letters_and_is_opened_again_when_the_server_let_it_go() -> None:
    inbox = Inbox(data="250 OK")
    with taking(inbox, timeout=0.3) as port:
        sender = maker(port)
        for place in range(3):
            sender.look(making())
            receipt = sender.make(making(key=f"k{place}"), UNTOLD)
        time.sleep(0.7)
        sender.look(making())
        sender.make(making(key="later"), UNTOLD)
        sender.close()
        sender.look(making())
        sender.close()
    assert receipt.reference == "k2@lakeside.example", "no queue id was told"
    assert [one["Message-ID"].split("@")[0] for one in inbox.messages] == ["<k0", "<k1", "<k2", "<later"]


@pytest.mark.parametrize(
    ("inbox", "outcome", "code"),
    [
        (Inbox(rcpt="550 5.1.1 zoe@example.org is nobody"), "refused", "refused_recipient"),
        (Inbox(rcpt="451 4.7.1 zoe@example.org: greylisted"), "not_done", "greylisted"),
        (Inbox(data="452 4.3.1 full"), "not_done", "greylisted"),
        (Inbox(data="554 5.7.1 zoe@example.org spam"), "refused", "refused"),
        (Inbox(drop=True), "unknown", "unknown_outcome"),
    ],
)
def test_what_the_server_says_becomes_an_outcome_without_its_words(inbox: Inbox, outcome: str, code: str) -> None:
    with taking(inbox) as port:
        sender = maker(port)
        sender.look(making())
        with pytest.raises(WriteFault) as told:
            sender.make(making(), UNTOLD)
        assert (told.value.outcome, told.value.code) == (outcome, code)
        assert "zoe" not in str(told.value)
        inbox.rcpt, inbox.data, inbox.drop = None, "250 ok", False
        sender.look(making())
        sender.make(making(), UNTOLD)
        sender.close()
    assert {one["Message-ID"] for one in inbox.messages} == {f"<{KEY}@lakeside.example>"}
    assert len(inbox.raw) == (2 if outcome == "unknown" else 1)


def test_a_line_that_breaks_before_the_letter_is_whole_did_nothing() -> None:
    large = Letter(LETTER.to, "x", "y", attachment=b"0" * 12_000_000, attach_as="x.pdf")
    with scripted(until_data) as port:
        sender = maker(port)
        with pytest.raises(WriteFault) as told:
            sender.make(making(large), UNTOLD)
    assert (told.value.outcome, told.value.code) == ("not_done", "not_reachable")


def test_a_server_that_never_answers_the_final_dot_leaves_it_unknown() -> None:
    def silent(line: Any) -> None:
        until_data(line)
        while line.recv(65536):
            pass

    with scripted(silent) as port, pytest.raises(WriteFault) as told:
        maker(port, timeout="1s").make(making(), UNTOLD)
    assert told.value.outcome == "unknown"


@pytest.mark.parametrize("greeting", [b"", b"554 go away\r\n", b"hello\r\n", b"220 here\r\n"])
def test_a_server_that_does_not_speak_is_not_there_and_costs_no_letter(greeting: bytes) -> None:
    with scripted(lambda line: line.sendall(greeting)) as port, pytest.raises(WriteFault) as told:
        maker(port, timeout="1s").look(making())
    assert told.value.outcome == "not_done"
    assert told.value.remedy


def test_an_unreachable_server_is_told_at_the_look() -> None:
    with pytest.raises(WriteFault) as told:
        maker(free_port()).look(making())
    assert (told.value.outcome, told.value.code) == ("not_done", "not_reachable")
    with pytest.raises(WriteFault) as told:
        maker(25, host="no-such-host.invalid", security="starttls").look(making())
    assert (told.value.outcome, told.value.code) == ("not_done", "not_reachable")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_letters_go_only_to_a_server_whose_certificate_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    trusted, context = certificate(tmp_path)
    inbox = Inbox()
    given = {"tls_context": context, "require_starttls": True} if security == "starttls" else {"ssl_context": context}
    with taking(inbox, **given) as port:
        with pytest.raises(WriteFault, match="certificate is not trusted") as told:
            maker(port, security=security).look(making())
        assert (told.value.outcome, told.value.code) == ("not_done", "untrusted_server")
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        sender = maker(port, security=security)
        sender.look(making())
        sender.make(making(), UNTOLD)
        sender.close()
    assert len(inbox.raw) == 1


def test_no_letter_goes_over_an_open_line_where_a_secured_one_is_declared(post: tuple[Inbox, int]) -> None:
    with pytest.raises(WriteFault) as told:
        maker(post[1], security="starttls").look(making())
    assert (told.value.outcome, told.value.code) == ("not_done", "no_starttls")
    with pytest.raises(ValidationError, match="on this machine"):
        outlet(25, host="mail.example", security="none")


@pytest.mark.parametrize(
    "sender",
    ["jürgen@a.example", "a@b@c", "A <a..b@c.example>", "a@b.example, c@d.example", "a@", "A\x00 <a@b.example>"],
)
def test_an_outlet_has_one_address_that_mail_can_come_from(sender: str) -> None:
    with pytest.raises(ValidationError, match="sender"):
        outlet(25, sender=sender)


def test_a_sender_of_another_script_is_written_as_dns_does(post: tuple[Inbox, int]) -> None:
    one = maker(post[1], sender='"Grüße, Team" <people@bücher.example>')
    one.make(making(), UNTOLD)
    (message,) = post[0].messages
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Grüße, Team", "people@xn--bcher-kva.example")
    assert message["Message-ID"].endswith("@xn--bcher-kva.example>")


def test_signing_in(post: tuple[Inbox, int]) -> None:
    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"people", b"right"), handled=False)

    inbox = Inbox()
    with taking(inbox, authenticator=known, auth_require_tls=False, auth_required=True) as port:
        sender = maker(port, user="people", password="right")
        sender.make(making(), UNTOLD)
        sender.close()
        with pytest.raises(WriteFault) as told:
            maker(port, user="people", password="wrong").look(making())
        assert (told.value.outcome, told.value.code) == ("not_done", "unauthorized")
        with pytest.raises(WriteFault) as told:
            maker(port, user="people", password="schön").look(making())
        assert (told.value.outcome, told.value.code) == ("not_done", "no_login")
        with pytest.raises(WriteFault) as told:
            maker(port).make(making(), UNTOLD)
        assert (told.value.outcome, told.value.code) == ("not_done", "sender_refused")
    with pytest.raises(WriteFault) as told:
        maker(post[1], user="people", password="right").look(making())
    assert (told.value.outcome, told.value.code) == ("not_done", "no_login")
    assert len(inbox.raw) == 1


def test_an_address_of_another_script_goes_where_the_server_takes_it() -> None:
    letter = Letter("jürgen@bücher.example", "x", "y")
    inbox = Inbox()
    with taking(inbox, enable_SMTPUTF8=True) as port:
        maker(port).make(making(letter), UNTOLD)
    assert inbox.to == ["jürgen@xn--bcher-kva.example"]
    with taking(Inbox(), enable_SMTPUTF8=False) as port, pytest.raises(WriteFault) as told:
        maker(port).make(making(letter), UNTOLD)
    assert (told.value.outcome, told.value.code) == ("refused", "not_supported")


def test_a_preview_is_masked_and_sends_nothing() -> None:
    sender = maker(free_port())
    told = sender.preview(making(Letter(LETTER.to, LETTER.subject, LETTER.text, b"%PDF-", "offer.pdf")))
    assert told.method == "SMTP"
    assert told.body["to"] == "z•••@•••.org"
    assert told.body["attachment"] == "offer.pdf, 5 bytes"
    assert "Zoë" not in repr(told)
    sender.reveal = True
    assert sender.preview(making()).body["subject"] == LETTER.subject
    with pytest.raises(WriteFault) as wrong:
        sender.preview(Making("letters", NewRecord("worker", {}), KEY))
    assert wrong.value.outcome == "unwritable"


def test_letters_keep_to_the_rate_of_the_outlet(post: tuple[Inbox, int]) -> None:
    slept: list[float] = []
    stack: Any = SimpleNamespace(outlets={"letters": outlet(post[1], rate={"requests": 2, "per": "1h"})}, systems={})
    sender = SmtpMaker(stack, "letters", SetClock(NOW), sleep=slept.append)
    for place in range(3):
        sender.make(making(key=f"k{place}"), UNTOLD)
    sender.close()
    assert len(slept) == 1


@pytest.mark.parametrize("key", ["", "a b", "a\r\nBcc: x@y.z", "a>", "a@b"])
def test_a_key_that_cannot_stand_in_a_message_id_is_refused(key: str) -> None:
    with pytest.raises(WriteFault) as told:
        maker(1).message(making(key=key))
    assert told.value.outcome == "unwritable"


HEADERS = {
    "Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding",
}  # fmt: skip
_NASTY = st.text(st.sampled_from('aZ é王\r\n\t\x00\x0b\x85\u2028:<>@,;"=?&'), max_size=60)


@settings(max_examples=150, deadline=None)
@given(subject=_NASTY | st.text(max_size=60), to=_NASTY | st.just("zoe@example.org"), text=st.text(max_size=300))
def test_no_value_becomes_a_header_or_a_second_recipient(subject: str, to: str, text: str) -> None:
    try:
        data = compose(outlet(25), Letter(to, subject, text), KEY, NOW).as_bytes()
    except WriteFault as told:
        assert told.outcome == "unwritable"  # noqa: PT017
        return
    read = message_from_bytes(data, policy=policy.SMTP)
    assert set(read.keys()) == HEADERS
    assert [one.addr_spec for one in read["To"].addresses] == [to.strip()]
    assert " ".join(read["Subject"].split()) == " ".join(subject.split())
    assert read.get_content().split() == text.split()


@settings(max_examples=25, deadline=None, database=None)
@given(
    lines=st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=80),
        max_size=8,
    )
)
def test_the_text_of_a_letter_arrives_as_it_was_written(big_post: tuple[Inbox, SmtpMaker], lines: list[str]) -> None:
    inbox, sender = big_post
    text = "\n".join(lines) + "\n"
    sender.make(making(Letter("zoe@example.org", "x", text), key="k"), UNTOLD)
    assert inbox.messages[-1].get_content().replace("\r\n", "\n") == text
    inbox.raw.clear()


@pytest.fixture(scope="module")
def big_post() -> Iterator[tuple[Inbox, SmtpMaker]]:
    inbox = Inbox()
    with taking(inbox) as port:
        sender = maker(port)
        yield inbox, sender
        sender.close()
