"""Prove: an append-only, hash-chained log of every state change. Who, when, which system, before, after, why."""
