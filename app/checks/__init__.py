"""Checks: measurements of this host, judged by thresholds and kept as check runs."""
