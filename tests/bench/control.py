"""The control: a bare Starlette application that reads the body, parses the JSON and answers 202."""

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWER = b'{"status":"accepted"}'


async def receive(request: Request) -> Response:
    """Parse and forget."""
    json.loads(await request.body())
    return Response(ANSWER, status_code=202, media_type="application/json")


app = Starlette(routes=[Route("/alerts/webhook/alertmanager/", receive, methods=["POST"])])
