"""How the interpreter looks for garbage in a process that serves: rarely, and not in what it was started with.

What lives as long as the process (modules, tables, routes: some hundred thousand objects) was looked through again
every few hundred requests, which took a fourth of all processor time at full load.
"""

import gc

# Allocations between two looks at the young, and how many of those between two at the older ones.
THRESHOLDS = (20_000, 20, 20)


def settle_memory() -> None:
    """Call once, when everything is loaded and before anything is served."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
