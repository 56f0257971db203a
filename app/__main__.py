"""`python -m app`, the same as the `pagerpal` command."""

import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"
# Not all that is needed: an interpreter that has these was made for PagerPal.
SIGNS = ("fastapi", "sqlalchemy", "structlog", "uvicorn")


def enter_environment() -> None:
    """Go on in the environment that scripts/up made, where this interpreter has none of what PagerPal needs.

    So the commands of the documents work as written, whichever Python they are given to.
    """
    if all(find_spec(name) for name in SIGNS):
        return
    if not ENVIRONMENT.exists() or Path(sys.executable).absolute() == ENVIRONMENT:
        sys.exit("PagerPal's packages are not installed for this Python: run scripts/up once.")
    os.execv(ENVIRONMENT, [str(ENVIRONMENT), *sys.orig_argv[1:]])  # noqa: S606 - the same call, another interpreter


enter_environment()
# Nothing that is loaded becomes garbage, and looking for it would take two fifths of the start.
gc.disable()
from app.cli import main  # noqa: E402 - what it loads is the point

gc.freeze()
gc.enable()

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
