"""On call: schedules, their entries and overrides, and the one pure function that says who is on call."""
