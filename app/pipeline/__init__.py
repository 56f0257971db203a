"""Pipeline: runs and their stages after intake."""
