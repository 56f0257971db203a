"""PagerPal as an application of a phone: its manifest, and the worker that shows pages while no window is open."""

from fastapi.responses import FileResponse, JSONResponse

from app.web.ui.assets import STATIC, asset

BLUE, GROUND = "#2458b8", "#f7f7f5"
# Never from a cache without asking: a browser would keep an old worker for a day.
FRESH = "no-cache"
MANIFEST = {
    "id": "/",
    "name": "PagerPal",
    "short_name": "PagerPal",
    "description": "Wakes the right person, once, for every real problem.",
    "start_url": "/dashboard",
    "scope": "/",
    "display": "standalone",
    "theme_color": BLUE,
    "background_color": GROUND,
    "shortcuts": [{"name": "Open incidents", "url": "/incidents?status=open"}],
}
# Drawn by scripts/icons.py.
ICONS = (
    ("app-192.png", "192x192", "any"),
    ("app-512.png", "512x512", "any"),
    ("app-maskable-512.png", "512x512", "maskable"),
)


def manifest() -> JSONResponse:
    """What a browser needs to install PagerPal."""
    icons = [_icon(*each) for each in ICONS]
    return JSONResponse(
        {**MANIFEST, "icons": icons}, media_type="application/manifest+json", headers={"cache-control": FRESH}
    )


def worker() -> FileResponse:
    """The service worker, which rules over every page."""
    headers = {"cache-control": FRESH, "service-worker-allowed": "/"}
    return FileResponse(STATIC / "js" / "sw.js", media_type="text/javascript", headers=headers)


def _icon(name: str, sizes: str, purpose: str) -> dict[str, str]:
    return {"src": asset(f"icons/{name}"), "sizes": sizes, "type": "image/png", "purpose": purpose}
