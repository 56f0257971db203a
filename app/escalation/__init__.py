"""Escalation: policies with levels, and the escalations that climb them."""
