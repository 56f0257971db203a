"""The local provider: analyses an incident by its own evidence and by this machine, and asks nobody (001, B40)."""

from app.intelligence.local.analysis import Examination, analyze, examine
from app.intelligence.local.params import KIND, LOCAL, LocalParams

__all__ = ["KIND", "LOCAL", "Examination", "LocalParams", "analyze", "examine"]
