"""Static files: each address carries the first 8 digits of the file's SHA-256, so that browsers may keep it."""

import hashlib
from functools import lru_cache
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).resolve().parents[3] / "static"
FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=300"
VERSION_DIGITS = 8


class VersionedFiles(StaticFiles):
    """The static folder; what is asked for by its version may be kept a year, anything else five minutes."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file with its caching header. Raises HTTPException(404) when there is none."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = FOREVER if b"v=" in scope["query_string"] else BRIEFLY
        return response


def mount_static(app: FastAPI) -> None:
    """Serve the static folder under /static."""
    app.mount("/static", VersionedFiles(directory=STATIC), name="static")


def favicon(request: Request) -> FileResponse:
    """The mark, for browsers that ask for it by its old name."""
    return FileResponse(STATIC / "icons" / "mark.svg", media_type="image/svg+xml", headers={"cache-control": BRIEFLY})


def asset(path: str) -> str:
    """The address of a static file with its version; a file that is not there keeps its plain address."""
    file = STATIC / path
    if not file.is_file():
        return f"/static/{path}"
    return f"/static/{path}?v={_version(file, file.stat().st_mtime_ns)}"


def is_there(path: str) -> bool:
    """Whether the static folder has the file; what the vendor step fetches may be missing."""
    return (STATIC / path).is_file()


def page_scripts() -> list[str]:
    """The scripts of every page, in order; htmx only where the vendor step has fetched it."""
    vendor = ["vendor/htmx.min.js"] if is_there("vendor/htmx.min.js") else []
    return [asset(path) for path in [*vendor, "js/page.js", "js/times.js", "js/keys.js", "js/live.js"]]


@lru_cache(maxsize=256)
def _version(file: Path, _changed_ns: int) -> str:
    # The time of change is part of the key, so that an edited file gets its new address without a restart.
    return hashlib.sha256(file.read_bytes()).hexdigest()[:VERSION_DIGITS]
