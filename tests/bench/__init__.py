"""Measurements: durable ingest beside a bare control, and the time from an accepted alert to the mail."""
