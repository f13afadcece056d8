"""Validate: pandera per record, Great Expectations per snapshot; what fails waits in quarantine."""
