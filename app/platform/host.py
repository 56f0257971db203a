"""The machine on which this process runs."""

import socket


def hostname() -> str:
    """What it is called, by itself."""
    return socket.gethostname()
