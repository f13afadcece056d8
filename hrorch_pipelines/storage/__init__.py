"""The warehouse (DuckDB): one writer, short writes, a published read-only copy."""
