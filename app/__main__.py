"""`python -m app`, the same as the `pagerpal` command."""

import gc
import sys

# Nothing that is loaded becomes garbage, and looking for it would take two fifths of the start.
gc.disable()
from app.cli import main  # noqa: E402 - what it loads is the point

gc.freeze()
gc.enable()

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
