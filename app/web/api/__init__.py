"""The API door: JSON in and out, Basic auth, personal tokens or a session."""
