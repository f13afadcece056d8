"""One module per revision, in the order of their numbers. Never changed once released."""
