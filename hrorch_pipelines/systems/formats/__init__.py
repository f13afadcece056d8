"""One module per format family: a file in, records out exactly as written. Finding and fetching files is in `files`."""
