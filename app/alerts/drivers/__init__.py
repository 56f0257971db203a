"""Drivers: one file per monitoring tool, each turning that tool's request body into alerts."""
