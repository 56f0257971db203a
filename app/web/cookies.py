"""The session cookie: its name, its attributes, and nothing about what it means."""

from fastapi import Request, Response

from app.platform.settings import Settings

SESSION_SECONDS = 7 * 24 * 3600


def session_cookie_name(settings: Settings) -> str:
    """`__Host-` ties a secure cookie to this very host; browsers refuse that prefix without `Secure`."""
    return "__Host-pagerpal" if settings.session_cookie_secure else "pagerpal"


def session_token(request: Request) -> str | None:
    """The session token that the browser sent, if any."""
    return request.cookies.get(session_cookie_name(request.app.state.runtime.settings)) or None


def set_session(response: Response, settings: Settings, token: str) -> None:
    """Hand the browser its session; the row behind it decides how long it really lives."""
    response.set_cookie(
        session_cookie_name(settings),
        token,
        max_age=SESSION_SECONDS,
        path="/",
        secure=settings.session_cookie_secure,
        httponly=True,
        samesite="lax",
    )


def clear_session(response: Response, settings: Settings) -> None:
    """Take the session cookie away."""
    response.delete_cookie(
        session_cookie_name(settings), path="/", secure=settings.session_cookie_secure, httponly=True, samesite="lax"
    )
