"""The pages: handlers read through queries, write through use cases, and hand plain values to templates."""
