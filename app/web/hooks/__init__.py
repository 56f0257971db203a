"""Hooks: webhooks in, health and signed links; plain routes with their own proofs."""
