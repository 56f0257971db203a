"""The proofs that take longer than a test may: `scripts/prove`."""
