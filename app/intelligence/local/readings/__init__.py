"""Readings of this machine, one file for each part; they block, so each runs in a thread of its own and in bounds."""
