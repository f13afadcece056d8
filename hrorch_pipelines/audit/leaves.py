"""How a change row of `history.changes` is committed to: its leaf stands when its values and its salt are erased.

SQL over the row's own columns, for whoever writes the rows and whoever checks them.
"""

from __future__ import annotations

COLUMNS = """
ALTER TABLE history.changes ADD COLUMN IF NOT EXISTS salt VARCHAR;
ALTER TABLE history.changes ADD COLUMN IF NOT EXISTS leaf VARCHAR;
"""
"""For warehouses from before there were leaves."""

SALT = "sha256($secret || uuid()::VARCHAR)"
"""One per row. `$secret` is a fresh random text (`secrets.token_hex(32)`) that is kept nowhere: `uuid()` alone is no
cryptographer's chance, and a salt that can be worked out protects nothing once the values are erased."""

LEAF = """sha256(to_json([salt, system, record, record_key, occurrence::VARCHAR, source_id, parent_id, effective_from::VARCHAR, attribute,
    before, after, kind, epoch_us(changed_at)::VARCHAR, changed_by, snapshot_id])::VARCHAR)"""
"""SHA-256 (hex) of a JSON array, so that no two rows read alike. Who changed it and when, as the system tells, is in it."""

DIGEST = "sha256(coalesce(string_agg(leaf, '' ORDER BY leaf), ''))"
"""Of all leaves of one snapshot, in the order of the leaves themselves: it needs nothing that erasure takes away."""
