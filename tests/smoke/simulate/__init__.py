"""Nights for which the simulation must say what the engine then does."""
