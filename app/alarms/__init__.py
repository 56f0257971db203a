"""Alarms: configured conditions, asked every five minutes; what fires is an event until it clears."""
