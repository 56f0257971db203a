"""What an alarm was given in one tick, packed for keeping: what did not change from tick to tick is kept once."""

import hashlib
import json
import zlib
from dataclasses import dataclass

from app.platform.types import JsonObject

BODY_BYTES = 256 * 1024
# More than this is not even packed: it would take a processor for too long.
TEXT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PackedInput:
    """An input by its digest, compressed."""

    digest: str
    body: bytes


def pack(recording: JsonObject | None) -> PackedInput | None:
    """The facts and answers of a run, packed; None for none, and for what is too large to be kept."""
    if recording is None:
        return None
    text = json.dumps({name: recording[name] for name in ("facts", "asked")}, sort_keys=True).encode()
    body = zlib.compress(text) if len(text) <= TEXT_BYTES else b""
    return PackedInput(hashlib.sha256(text).hexdigest(), body) if 0 < len(body) <= BODY_BYTES else None


def unpack(body: bytes) -> JsonObject:
    """What was packed."""
    recording: JsonObject = json.loads(zlib.decompress(body))
    return recording
