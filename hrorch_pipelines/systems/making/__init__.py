"""Making what is not there yet: records in systems, letters, events in calendars. Found again before it is made twice."""
