"""The time of a run, shared by what a module asks one after the other: whoever hangs must leave some for the others."""

# Of the minute that a run may take.
ALL_SECONDS = 50.0
LEAST_SECONDS = 1.0


class Time:
    """What is left for `count` questions; while all is well nobody is cut short."""

    def __init__(self, count: int) -> None:
        # Half of the time is for whoever comes first.
        self.least = min(LEAST_SECONDS, ALL_SECONDS / 2 / max(1, count))
        self._left = ALL_SECONDS
        self._after = count

    def begin(self) -> None:
        """The next one is asked."""
        self._after -= 1

    def seconds(self, most: float) -> float:
        """How long it may take, if each of those after it is to have the least."""
        return min(most, self._left - self._after * self.least)

    def spend(self, took: float, given: float) -> None:
        """So long it took, of what it was given."""
        self._left -= min(took, given)
