"""The HTTP doors: hooks, API and pages."""
