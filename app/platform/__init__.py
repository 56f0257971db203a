"""The floor of the house: clock, database, settings, secrets and the ports to the outside world."""
