"""Act: plan, guard, approve, push, confirm. A write is done when the target, read again, says so."""
