"""One file per provider: what it is asked in its own words, and how its answer is read."""
