"""Handoffs: given everything known, what must exist next? Steps, the actions that carry them out, and what takes them back."""
