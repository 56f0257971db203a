"""Incidents: the problems people own, their transition table and their timeline."""
