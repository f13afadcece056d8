"""Values of persons in the ledger: sealed under a key of their own, so that destroying the key destroys them everywhere.

AES-256-GCM for reading back, HMAC-SHA-256 for comparing. A person's key is kept wrapped under the home's key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.storage.ledger_tables import person_keys

_NONCE = 12


class ErasedError(HrorchError):
    """The person's key was destroyed: what was sealed under it is gone for good."""

    def __init__(self, person_id: str) -> None:
        self.person_id = person_id
        super().__init__(
            f"The values of {person_id} were erased; nothing about them can be read or written.",
            remedy="nothing: this is what erasure means. The audit log keeps the tombstone",
        )


@dataclass
class Seals:
    """Seals and opens within one ledger transaction. Keys are fetched once per person and made when first needed."""

    con: sa.Connection
    home_key: bytes
    now: datetime
    _keys: dict[str, bytes] = field(default_factory=dict, repr=False)

    def seal(self, person_id: str, value: str | None) -> bytes | None:
        """Encrypt a value; None stays None. Raises ErasedError."""
        if value is None:
            return None
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._key(person_id)).encrypt(nonce, value.encode(), person_id.encode())

    def open(self, person_id: str, sealed: bytes | None) -> str | None:
        """Decrypt. Raises ErasedError."""
        if sealed is None:
            return None
        return AESGCM(self._key(person_id)).decrypt(sealed[:_NONCE], sealed[_NONCE:], person_id.encode()).decode()

    def mark(self, person_id: str, value: str | None) -> str | None:
        """Keyed commitment (hex): equal values of one person have equal marks, and no mark tells its value."""
        if value is None:
            return None
        return hmac.new(self._key(person_id), value.encode(), hashlib.sha256).hexdigest()

    def _key(self, person_id: str) -> bytes:
        if person_id not in self._keys:
            row = self.con.execute(
                sa.select(person_keys.c.wrapped_key, person_keys.c.destroyed_at).where(
                    person_keys.c.person_id == person_id
                )
            ).one_or_none()
            if row is not None and row.destroyed_at is not None:
                raise ErasedError(person_id)
            self._keys[person_id] = self._unwrap(person_id, row.wrapped_key) if row else self._make(person_id)
        return self._keys[person_id]

    def _make(self, person_id: str) -> bytes:
        key, nonce = secrets.token_bytes(32), secrets.token_bytes(_NONCE)
        wrapped = nonce + AESGCM(self.home_key).encrypt(nonce, key, person_id.encode())
        self.con.execute(person_keys.insert().values(person_id=person_id, wrapped_key=wrapped, made_at=self.now))
        return key

    def _unwrap(self, person_id: str, wrapped: bytes) -> bytes:
        return AESGCM(self.home_key).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], person_id.encode())
