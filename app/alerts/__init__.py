"""Alerts: sources and their keys, drivers that parse deliveries, alerts and their history."""
