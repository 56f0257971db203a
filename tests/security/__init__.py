"""What strangers may send and try; nothing of it may surprise the server."""
