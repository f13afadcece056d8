"""Route: cases for named reviewers, from open to confirmed."""
