"""The real server under load, killed at random and at named places, and what must still be true afterwards."""
