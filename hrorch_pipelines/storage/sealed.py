"""Values of persons in the ledger: sealed under a key of their own, so that destroying the key destroys them everywhere.

AES-256-GCM for reading back, HMAC-SHA-256 for comparing. A person's key is kept wrapped under the home's key.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.storage.ledger_tables import person_keys

_NONCE = 12
_AT_ONCE = 500
"""Keys asked for in one query: databases bound the parameters of one."""


class ErasedError(HrorchError):
    """The person's key was destroyed: what was sealed under it is gone for good."""

    def __init__(self, person_id: str) -> None:
        self.person_id = person_id
        super().__init__(
            f"The values of {person_id} were erased; nothing about them can be read or written.",
            remedy="nothing: this is what erasure means. The audit log keeps the tombstone",
        )


class UnsealableError(HrorchError):
    """What lies sealed here was not sealed under this person's key: it was changed, or moved from another person."""

    def __init__(self, person_id: str) -> None:
        self.person_id = person_id
        super().__init__(
            f"A sealed value of {person_id} cannot be opened: it is not what was sealed under their key.",
            remedy="run `hrorch audit verify --values`, which says where, and restore the ledger from a backup",
        )


class WrongHomeKeyError(HrorchError):
    """The ledger's keys were wrapped under another home's key."""

    def __init__(self, person_id: str) -> None:
        self.person_id = person_id
        super().__init__(
            f"The key of {person_id} cannot be opened with this run-time folder's key.",
            remedy="use the run-time folder (or HRORCH_KEY) that this ledger was made with",
        )


@dataclass(frozen=True)
class _Key:
    """One person's key, made ready: a cipher to seal with, and another key, drawn from it, to make marks with."""

    cipher: AESGCM
    marks: bytes


_ERASED = None


@dataclass
class Seals:
    """Seals and opens within one ledger transaction. Keys are fetched once per person and made when first needed."""

    con: sa.Connection
    home_key: bytes
    now: datetime
    _keys: dict[str, _Key | None] = field(default_factory=dict, repr=False)

    def seal(self, person_id: str, value: str | None) -> bytes | None:
        """Encrypt a value; None stays None. Raises ErasedError."""
        if value is None:
            return None
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._key(person_id).cipher.encrypt(nonce, value.encode(), person_id.encode())

    def open(self, person_id: str, sealed: bytes | None) -> str | None:
        """Decrypt. Raises ErasedError, and UnsealableError for what was not sealed under this person's key."""
        if sealed is None:
            return None
        if person_id not in self._keys:
            self._fetch([person_id])
        if person_id not in self._keys:
            raise UnsealableError(person_id)
        try:
            return self._key(person_id).cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], person_id.encode()).decode()
        except (InvalidTag, ValueError):
            raise UnsealableError(person_id) from None

    def mark(self, person_id: str, value: str | None) -> str | None:
        """Keyed commitment (hex): equal values of one person have equal marks, and no mark tells its value."""
        if value is None:
            return None
        return hmac.digest(self._key(person_id).marks, value.encode(), "sha256").hex()

    def prepare(self, person_ids: Iterable[str]) -> None:
        """Fetch the keys of many persons at once, and make those that are missing: one by one costs a query each."""
        wanted = sorted(set(person_ids) - self._keys.keys())
        self._fetch(wanted)
        missing = [person_id for person_id in wanted if person_id not in self._keys]
        if missing:
            self._make(missing)

    def is_erased(self, person_id: str) -> bool:
        """Whether this person's key was destroyed. Makes no key."""
        if person_id not in self._keys:
            self._fetch([person_id])
        return person_id in self._keys and self._keys[person_id] is _ERASED

    def _key(self, person_id: str) -> _Key:
        if person_id not in self._keys:
            self.prepare([person_id])
        key = self._keys[person_id]
        if key is None:
            raise ErasedError(person_id)
        return key

    def _fetch(self, person_ids: Sequence[str]) -> None:
        columns = (person_keys.c.person_id, person_keys.c.wrapped_key, person_keys.c.destroyed_at)
        for start in range(0, len(person_ids), _AT_ONCE):
            some = person_ids[start : start + _AT_ONCE]
            for row in self.con.execute(sa.select(*columns).where(person_keys.c.person_id.in_(some))):
                gone = row.destroyed_at is not None or row.wrapped_key is None
                self._keys[row.person_id] = _ERASED if gone else _ready(self._unwrap(row.person_id, row.wrapped_key))

    def _make(self, person_ids: Sequence[str]) -> None:
        wrap, rows = AESGCM(self.home_key), []
        for person_id in person_ids:
            key, nonce = secrets.token_bytes(32), secrets.token_bytes(_NONCE)
            wrapped = nonce + wrap.encrypt(nonce, key, person_id.encode())
            rows.append({"person_id": person_id, "wrapped_key": wrapped, "made_at": self.now})
            self._keys[person_id] = _ready(key)
        self.con.execute(person_keys.insert(), rows)

    def _unwrap(self, person_id: str, wrapped: bytes) -> bytes:
        try:
            return AESGCM(self.home_key).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], person_id.encode())
        except InvalidTag:
            raise WrongHomeKeyError(person_id) from None


def _ready(key: bytes) -> _Key:
    return _Key(AESGCM(key), hmac.digest(key, b"hrorch: marks", "sha256"))
