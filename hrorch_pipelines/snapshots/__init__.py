"""Observe and trust: complete snapshots only, immutable Parquet, change history in DuckDB."""
