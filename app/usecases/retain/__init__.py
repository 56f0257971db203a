"""Retention: what is past goes, little by little, and never anything of an open incident."""

from app.usecases.retain.sweep import sweep

__all__ = ["sweep"]
