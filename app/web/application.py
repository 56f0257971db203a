"""The web side of an application in one call: runtime, error answers, layers, static files and the route table."""

from fastapi import FastAPI
from starlette.types import Lifespan

from app import __version__
from app.platform.runtime import Runtime
from app.web.errors import install_error_handlers
from app.web.routes import mount
from app.web.security import harden
from app.web.ui.assets import mount_static
from app.web.ui.system import error_page


def new_application(rt: Runtime, *, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """An application over this runtime; `lifespan` starts and stops what runs by itself."""
    app = FastAPI(
        title="PagerPal",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # We measure what matters ourselves; the framework's would look for its settings at every request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.runtime = rt
    app.state.error_page = error_page
    install_error_handlers(app)
    mount(app)
    mount_static(app)
    harden(app, rt.settings)
    return app
