"""Signatures by an independent oracle: the product believes exactly what the sender's own arithmetic makes."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.datastructures import Headers

from hrorch_pipelines.inbox.doors import Door, doors
from hrorch_pipelines.inbox.signatures import moment, refused
from hrorch_pipelines.inbox.sources import source_of
from hrorch_pipelines.inbox.terms import Refusal
from hrorch_pipelines.stack.webhooks import Signing, Webhook
from hrorch_tests.inbox.sending import VENDORS, stack_with_secrets

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DOORS = doors(stack_with_secrets())


def door(signing: Signing, secret: bytes) -> Door:
    return Door("s", "hmac", signing, secret, timedelta(minutes=5), timedelta(minutes=1), timedelta(minutes=1))


@given(
    body=st.binary(max_size=200),
    secret=st.binary(min_size=1, max_size=40),
    prefix=st.sampled_from(["", "sha256 ", "v1="]),
    encoding=st.sampled_from(["hex", "base64"]),
    template=st.sampled_from(["{body}", "{timestamp}.{body}", "{body}{timestamp}", "{id}.{timestamp}.{body}"]),
)
def test_what_the_sender_signed_is_believed_and_nothing_else(
    body: bytes, secret: bytes, prefix: str, encoding: str, template: str
) -> None:
    stamp, name = str(int(NOW.timestamp())), "m-1"
    content = b"".join(
        {"{body}": body, "{timestamp}": stamp.encode(), "{id}": name.encode()}.get(part, part.encode())
        for part in template.replace("}", "}\0").replace("{", "\0{").split("\0")
    )
    digest = hmac.new(secret, content, hashlib.sha256).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    signing = Signing.model_validate(
        {
            "header": "X-Sig",
            "prefix": prefix,
            "encoding": encoding,
            "signed": template,
            "timestamp": "X-At" if "timestamp" in template else None,
            "id": "header:X-Id" if "{id}" in template else None,
        }
    )
    headers = Headers({"x-sig": prefix + text, "x-at": stamp, "x-id": name})
    assert refused(door(signing, secret), headers, body, NOW) is None
    assert refused(door(signing, secret + b"x"), headers, body, NOW) is Refusal.WRONG_SIGNATURE
    assert refused(door(signing, secret), headers, body + b"x", NOW) is Refusal.WRONG_SIGNATURE
    if signing.timestamp:
        assert refused(door(signing, secret), headers, body, NOW + timedelta(minutes=6)) is Refusal.STALE


@given(vendor=st.sampled_from(sorted(VENDORS)), at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_message_survives_one_changed_bit(vendor: str, at: int, bit: int) -> None:
    message = VENDORS[vendor](7, NOW)
    changed = bytearray(message.body)
    changed[at % len(changed)] ^= 1 << bit
    own, headers = DOORS[message.system], Headers(message.headers)
    assert refused(own, headers, message.body, NOW) is None
    assert refused(own, headers, bytes(changed), NOW) is Refusal.WRONG_SIGNATURE


@given(text=st.text(max_size=40))
def test_no_text_in_a_header_breaks_the_check(text: str) -> None:
    raw = [(b"x-bamboohr-signature", text.encode()), (b"x-bamboohr-timestamp", text.encode())]
    assert refused(DOORS["hris"], Headers(raw=raw), b"{}", NOW) is Refusal.WRONG_SIGNATURE
    assert moment(text) is None or moment(text)


def test_moments_as_vendors_write_them() -> None:
    for text in (
        "1772452800",
        "1772452800000",
        "2026-03-02T12:00:00Z",
        "2026-03-02T12:00:00+0000",
        "2026-03-02T06:00:00-06:00",
    ):
        assert moment(text) == NOW
    for text in ("", "now", "2026-03-02T12:00:00", "-5", "1e9", "nan", "9" * 30, "0001-01-01T00:00:00+14:00"):
        assert moment(text) is None


def test_one_source_cannot_be_many() -> None:
    assert source_of("203.0.113.7") == source_of("::ffff:203.0.113.7") == "203.0.113.7"
    assert source_of("2001:db8:1:2::1") == source_of("2001:db8:1:2:ffff::9")
    assert source_of("2001:db8:1:2::1") != source_of("2001:db8:1:3::1")
    assert source_of("fe80::1%eth0") == source_of("fe80::2")
    assert source_of(None) == source_of("no address") == "local"


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"scheme": "hmac"}, "needs `signing`"),
        ({"scheme": "gusto", "signing": {"header": "X"}}, "leave `signing` out"),
        ({"scheme": "hmac", "signing": {"header": "X", "signed": "{timestamp}"}}, "must hold {body}"),
        ({"scheme": "hmac", "signing": {"header": "X", "signed": "{body}{nonce}"}}, "must hold {body}"),
        ({"scheme": "hmac", "signing": {"header": "X", "timestamp": "X-At"}}, "an unsigned time proves nothing"),
        ({"scheme": "hmac", "signing": {"header": "X", "id": "header:X-Id"}}, "must be signed"),
        ({"scheme": "md5"}, "Input should be"),
    ],
)
def test_a_webhook_that_would_believe_too_much_is_refused_at_load(declared: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Webhook.model_validate(declared)


def test_a_secret_is_never_shown() -> None:
    assert "bamboo-private-key" not in repr(DOORS)
