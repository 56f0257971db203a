"""PagerPal: takes alerts from monitoring tools and wakes the right person, once."""

__version__ = "0.1.0"
