"""A real SMTP server in a process of its own: every message is on disk before it is answered.

`python -m tests.kill.sink LEDGER` prints its port and serves until its standard input ends, so that it never outlives
the run that started it. The ledger has one JSON object a line. A number in the file `LEDGER.hold` makes the server wait
that many seconds between the record and its answer: whoever is killed then does not know that the message went out.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

REPEAT_MARK = "possible repeat"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message that reached the sink; times are seconds since 1970."""

    begun_at: float
    stored_at: float
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    subject: str
    text: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_marked(self) -> bool:
        """Whether the reader is told, in the subject or the first line, that this may be a repeat."""
        first_line = self.text.strip().split("\n", 1)[0]
        return REPEAT_MARK in self.subject.lower() or REPEAT_MARK in first_line.lower()


@dataclass(frozen=True, slots=True)
class Sink:
    """A running sink as its user sees it: where it listens and what has arrived."""

    port: int
    ledger: Path

    def mails(self) -> list[Mail]:
        """Everything received so far, in the order of arrival."""
        lines = self.ledger.read_text(encoding="utf-8").splitlines() if self.ledger.exists() else []
        records = [json.loads(line) for line in lines if line.endswith("}")]
        return [Mail(**{**record, "recipients": tuple(record["recipients"])}) for record in records]

    def hold(self, seconds: float) -> None:
        """From now on, wait this long between storing a message and answering; 0 answers at once."""
        _hold_file(self.ledger).write_text(str(seconds), encoding="ascii")


@contextmanager
def running_sink(ledger: Path) -> Iterator[Sink]:
    """A sink for the length of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kill.sink", str(ledger)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Sink(int(process.stdout.readline()), ledger)
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


class Posted(Envelope):
    """An envelope that knows when its sender began."""

    begun_at: float = 0.0


class Server(SMTP):
    """aiosmtpd's server with our envelopes."""

    def _create_envelope(self) -> Posted:
        return Posted()


class Recorder:
    """The aiosmtpd handler: refuses nothing, stores everything."""

    def __init__(self, ledger: Path) -> None:
        self.hold_file = _hold_file(ledger)
        self.descriptor = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Posted, address: str, options: list[str]
    ) -> str:
        """Note when the sender began."""
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        envelope.begun_at = time.time()
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Posted) -> str:
        """Store the message, wait if told to, answer."""
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        record = _record(message, envelope)
        os.write(self.descriptor, json.dumps(record).encode() + b"\n")
        os.fsync(self.descriptor)
        hold_seconds = float(self.hold_file.read_text(encoding="ascii")) if self.hold_file.exists() else 0.0
        if hold_seconds:
            await asyncio.sleep(hold_seconds)
        return "250 2.0.0 Stored"


def _record(message: EmailMessage, envelope: Posted) -> dict[str, Any]:
    plain = message.get_body(preferencelist=("plain",))
    return {
        "begun_at": envelope.begun_at,
        "stored_at": time.time(),
        "sender": envelope.mail_from,
        "recipients": envelope.rcpt_tos,
        "message_id": str(message["Message-ID"] or "").strip(),
        "subject": str(message["Subject"] or ""),
        "text": plain.get_content()[:20_000] if plain else "",
        "headers": {name: str(value) for name, value in message.items() if name.lower().startswith("x-")},
    }


def _hold_file(ledger: Path) -> Path:
    return ledger.with_suffix(".hold")


async def serve(ledger: Path) -> None:
    """Listen on a free loopback port, say which, and go on until standard input ends."""
    loop = asyncio.get_running_loop()
    recorder = Recorder(ledger)
    server = await loop.create_server(lambda: Server(recorder, enable_SMTPUTF8=True), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)  # connections that are being held must not keep the process


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
