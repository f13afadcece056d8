"""Rehearse: every kind of failure, injected into a company of its own in simulated time; how long until its owner is told."""
