"""The bodies of requests that are not parsed by the framework, because what is signed or kept is their bytes."""

from starlette.requests import ClientDisconnect, Request

from app.platform.errors import Malformed, TooLarge


async def body_of(request: Request, *, at_most: int) -> bytes:
    """The whole body. Raises TooLarge for more than `at_most` bytes, Malformed where the connection ends too soon."""
    # Counted while it comes, because a Content-Length may lie or be missing.
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > at_most:
                raise TooLarge(f"A body may have {at_most} bytes at most here.")
            parts.append(part)
    except ClientDisconnect:
        raise Malformed("The connection was closed before the whole body had come.") from None
    return b"".join(parts)
