"""HRORCH: orchestrates the HR systems a company already has. Each folder is one stage of the loop."""

__version__ = "0.1.0"
