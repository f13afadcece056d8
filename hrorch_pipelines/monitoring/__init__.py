"""Detect: what does not happen, goes on too long or gets out of band, and who is told. Never a person's value."""
