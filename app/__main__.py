"""`python -m app`, the same as the `pagerpal` command."""

import gc
import sys

# Nothing that is loaded becomes garbage, and looking for it takes a fifth of the time that a start takes.
gc.disable()
from app.cli import main  # noqa: E402 - what it loads is the point

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())
