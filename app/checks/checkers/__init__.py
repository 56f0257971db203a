"""Checkers: one file each, found by its name; nothing here knows the database."""
