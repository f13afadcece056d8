"""Six HR systems on loopback, each in its vendor's shape: paths, paging, limits, version checks and quirks."""
