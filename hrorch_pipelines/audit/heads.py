"""Signed heads: where the chain ended and with which hash, kept outside the ledger. Who rewrites the ledger cannot rewrite these.

Ed25519; the private key lies in the home (`keys/audit.ed25519`), the public one beside the heads, for the auditor to keep.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hrorch_pipelines.audit.canonical import canonical
from hrorch_pipelines.audit.errors import HeadError
from hrorch_pipelines.audit.log import moment_text, tip_of
from hrorch_pipelines.storage.durable import sync_folder
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log

HEADS = "HRORCH_HEADS"
"""Environment: the folder heads are written to. Best one that this program may add to and not change."""
PUBLIC_KEY = "audit-public-key.pem"


@dataclass(frozen=True)
class Head:
    """Where the chain ended: its last entry's sequence, hash, moment and stack-file hash; 0 and zeros when it is empty."""

    sequence: int
    hash: str
    at: str
    stack_hash: str
    exported_at: str


def default_folder(home: Home) -> Path:
    """`HRORCH_HEADS`, else `heads` in the home."""
    given = os.environ.get(HEADS)
    return Path(given) if given else home.root / "heads"


def export(ledger: Ledger, folder: Path | None = None) -> Path:
    """Sign the log's present end; returns the file `audit-head-<sequence>-<time>.json`. The public key is put beside it.

    Says nothing about whether the log is sound: verify first.
    """
    folder = folder or default_folder(ledger.home)
    folder.mkdir(parents=True, exist_ok=True)
    key = _private_key(ledger.home)
    now = ledger.clock.now()
    with ledger.read() as con:
        head = _present(con, now)
    content = asdict(head)
    signature = key.sign(canonical(content).encode()).hex()
    _write(folder / PUBLIC_KEY, _public_pem(key.public_key()))
    file = folder / f"audit-head-{head.sequence:012}-{now:%Y%m%dT%H%M%S%fZ}.json"
    _write(file, json.dumps({**content, "signature": signature}, indent=1).encode() + b"\n")
    sync_folder(folder)
    return file


def load(file: Path, public_key: Path) -> Head:
    """A head whose signature is that of the key. Give the key that the auditor kept, not one found in the ledger's home.

    Raises HeadError.
    """
    key = _load_public(public_key)
    try:
        content: dict[str, Any] = json.loads(file.read_bytes())
        signature = bytes.fromhex(content.pop("signature"))
        head = Head(**content)
        text = canonical(asdict(head)).encode()
    except OSError:
        raise HeadError(file.name, "the file cannot be read") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise HeadError(file.name, "it is not written as a head is") from None
    try:
        key.verify(signature, text)
    except InvalidSignature:
        raise HeadError(file.name, "its signature is not that of the public key") from None
    return head


def own_public_key(home: Home) -> Path:
    """The home's public key. It proves a head against the ledger's own keeper only: an auditor uses the copy kept elsewhere."""
    _private_key(home)
    return _public_file(home)


def newest(folder: Path) -> Path | None:
    """The head exported last from among those in a folder; None when there is none."""
    found = sorted(folder.glob("audit-head-*.json"), key=lambda file: file.stem.rpartition("-")[2])
    return found[-1] if found else None


def _present(con: sa.Connection, now: datetime) -> Head:
    tip = tip_of(con)
    envelope = con.execute(sa.select(audit_log.c.envelope).where(audit_log.c.sequence == tip.sequence)).scalar()
    stack_hash = str(json.loads(envelope).get("stack_hash", "")) if envelope else ""
    at = moment_text(tip.at) if tip.sequence else ""
    return Head(tip.sequence, tip.hash, at, stack_hash, moment_text(now))


def _private_key(home: Home) -> Ed25519PrivateKey:
    """The home's signing key, made once, readable by its owner only."""
    file = home.root / "keys" / "audit.ed25519"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = Ed25519PrivateKey.generate()
        _make_once(file, key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
    made = _load_private(file)
    _write(_public_file(home), _public_pem(made.public_key()))
    return made


def _public_file(home: Home) -> Path:
    return home.root / "keys" / PUBLIC_KEY


def _make_once(file: Path, content: bytes) -> None:
    """A link is made whole or not at all, and never replaces: of two processes that begin, both use one key."""
    made = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    with contextlib.suppress(FileExistsError):
        file.hardlink_to(made)
    made.unlink()


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all; what already says the same is left alone."""
    if file.exists() and file.read_bytes() == content:
        return
    made = file.with_name(f"{file.name}.{secrets.token_hex(8)}.part")
    with made.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    made.replace(file)


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)


def _load_private(file: Path) -> Ed25519PrivateKey:
    try:
        key = pem.load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise HeadError(file.name, "the signing key cannot be read") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise HeadError(file.name, "the signing key is no Ed25519 key")
    return key


def _load_public(file: Path) -> Ed25519PublicKey:
    try:
        key = pem.load_pem_public_key(file.read_bytes())
    except OSError:
        raise HeadError(file.name, "the public key cannot be read") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise HeadError(file.name, "this is no public key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise HeadError(file.name, "this is no Ed25519 key")
    return key
