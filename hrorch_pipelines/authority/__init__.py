"""Decide: the golden record, each value with the rule that chose it."""
