"""Use cases: one business step, one transaction."""
