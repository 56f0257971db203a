"""Jobs: the clock as a door; each only picks up due rows."""
