"""Amazon SES on loopback: moto plays it, over HTTP, behind the server that can fail."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from app.platform.types import JsonObject
from tests.support.http_server import Answer, Request
from tests.support.vendors.vendor import Vendor

REGION = "eu-west-1"
KEYS = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "example-secret-access-key"}


class Ses(Vendor):
    """The sesv2 API with one verified sender; what is sent is kept by moto."""

    kind = "email_ses"
    refusal = Answer(400, b'{"message": "Email address is not verified."}', {"x-amzn-ErrorType": "MessageRejected"})
    trouble = Answer(503, b"{}", {"x-amzn-ErrorType": "ServiceUnavailable"})
    throttle = Answer(429, b"{}", {"x-amzn-ErrorType": "TooManyRequestsException", "Retry-After": "120"})
    hidden_failures = ()

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        super().__init__()
        self._asked("/moto-api/reset", b"")
        self._asked("/v2/email/identities", b'{"EmailIdentity": "pager@example.com"}')

    @property
    def config(self) -> JsonObject:
        return {
            "region": REGION, "endpoint_url": self.url, "from_address": "pager@example.com",
            "to_addresses": "ops@example.com", **KEYS,
        }  # fmt: skip

    def answer(self, request: Request) -> Answer:
        if "AWS4-HMAC-SHA256" not in request.headers.get("authorization", ""):
            return Answer(403, b"{}", {"x-amzn-ErrorType": "MissingAuthenticationTokenException"})
        return self._asked(request.path, request.body, request.headers)

    def _asked(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        status: list[str] = []
        scope = f"Credential=AKIAEXAMPLE/20260302/{REGION}/ses/aws4_request"
        signed = headers or {"host": "127.0.0.1", "authorization": f"AWS4-HMAC-SHA256 {scope}"}
        environ = _environ(Request("POST", path, signed, body))
        said = b"".join(self._app(environ, lambda line, _headers, _info=None: status.append(line)))
        return Answer(int(status[0].partition(" ")[0]), said, {"Content-Type": "application/json"})

    def mail(self, number: int = -1) -> Any:
        """The JSON of one mail."""
        return json.loads(self.requests[number].body)


def _environ(request: Request) -> dict[str, Any]:
    """A request in the form of WSGI (PEP 3333)."""
    return {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.input": BytesIO(request.body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": BytesIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()},
    }
