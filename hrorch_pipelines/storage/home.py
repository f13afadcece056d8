"""Where things lie on disk. One folder, `HRORCH_HOME` (default `data/home` beside the stack file)."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The run-time folder: snapshots, warehouse, published copy, documents, the hashing key."""

    root: Path

    @property
    def snapshots(self) -> Path:
        """`snapshots/<system>/<snapshot_id>/{manifest.json, <record>.parquet}`: trusted ones."""
        return self.root / "snapshots"

    @property
    def untrusted(self) -> Path:
        """As `snapshots`, for those refused; kept for inspection."""
        return self.root / "untrusted"

    @property
    def scratch(self) -> Path:
        """Half-made files; on the same file system, so that a rename is atomic."""
        return self.root / "scratch"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The read-only copy that reports and people read."""
        return self.root / "published" / "hrorch.duckdb"

    @property
    def data_docs(self) -> Path:
        return self.root / "data_docs"

    def key(self) -> bytes:
        """The 32-byte key of keyed hashes: `HRORCH_KEY` (hex) or a file made once, readable by its owner only."""
        given = os.environ.get("HRORCH_KEY")
        if given:
            return bytes.fromhex(given)
        path = self.root / "hash.key"
        if not path.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            made = self.root / f"hash.key.{secrets.token_hex(8)}"
            handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                os.fsync(file.fileno())
            # A link is made whole or not at all, and never replaces: of two processes that begin, both use one key.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(made)
            made.unlink()
        return path.read_bytes()
