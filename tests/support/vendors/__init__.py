"""Vendors on loopback: each speaks its wire format, refuses what the real one refuses, and keeps what it was sent."""
