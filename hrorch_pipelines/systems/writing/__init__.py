"""Writing to a system: read one record again, compare, set. What is written, and whether, is decided in `corrections`."""
