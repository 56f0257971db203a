"""What an alarm was given in one tick, packed for keeping: what did not change from tick to tick is kept once.

It is encrypted, for answers may hold anything; and a question is kept without what lets it in, so that nothing of that
is there even for somebody who has the key.
"""

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass

from app.platform.redact import HIDDEN, redact
from app.platform.secrets import SecretBox, SecretUnreadable
from app.platform.types import JsonObject

BODY_BYTES = 256 * 1024
# More than this is not even packed: it would take a processor for too long.
TEXT_BYTES = 8 * 1024 * 1024
DIGEST = "alarm-input"
# Of the headers of an answer; those of a question are all hidden.
SESSIONS = frozenset({"set-cookie", "set-cookie2", "authorization", "www-authenticate"})


@dataclass(frozen=True, slots=True)
class PackedInput:
    """An input by its digest, compressed and encrypted."""

    digest: str
    body: bytes


def pack(recording: JsonObject | None, secrets: SecretBox) -> PackedInput | None:
    """The facts and answers of a run, packed; None for none, and for what is too large to be kept."""
    if recording is None:
        return None
    asked = [[without_secrets(question), _answer(answer)] for question, answer in recording["asked"]]
    text = json.dumps({"facts": recording["facts"], "asked": asked}, sort_keys=True).encode()
    body = zlib.compress(text) if len(text) <= TEXT_BYTES else b""
    if not 0 < len(body) <= BODY_BYTES:
        return None
    sealed = secrets.encrypt(base64.b64encode(body).decode("ascii")).encode("ascii")
    # Keyed: whoever can read the table cannot find out by guessing what was answered.
    return PackedInput(secrets.sign(DIGEST, text), sealed)


def unpack(body: bytes, secrets: SecretBox) -> JsonObject | None:
    """What was packed; None where it was so under a SECRET_KEY that is gone."""
    try:
        packed = base64.b64decode(secrets.decrypt(body.decode("ascii", "replace")))
    except SecretUnreadable:
        return None
    recording: JsonObject = json.loads(zlib.decompress(packed))
    return recording


def without_secrets(question: JsonObject) -> JsonObject:
    """A question as it is kept, and as a replay finds its answer: no value of a header, no credential anywhere."""
    shown = redact(question)
    kept: JsonObject = dict(shown) if isinstance(shown, dict) else {}
    if isinstance(question.get("headers"), dict):
        kept["headers"] = dict.fromkeys(question["headers"], HIDDEN)
    if question.get("body"):
        # What is sent along may hold anything, a sign-in too; for telling two questions apart this is enough.
        kept["body"] = hashlib.sha256(str(question["body"]).encode("utf-8", "replace")).hexdigest()
    return kept


def _answer(answer: JsonObject) -> JsonObject:
    headers = answer.get("headers")
    if not isinstance(headers, dict):
        return answer
    return {**answer, "headers": {name: HIDDEN if name.lower() in SESSIONS else text for name, text in headers.items()}}
