"""Notify: every outbound message as a row, the channels that say it, and what became of it."""
