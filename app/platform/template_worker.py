"""The process in which operators' templates are rendered: it holds no secret, no database, and little memory.

Started by `templates.py` as a script of its own. One JSON object a line comes in (`source`, `values`), one goes out
(`text`, or `error` as a sentence).
"""

import json
import resource
import sys

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

MEMORY_BYTES = 400 * 1024 * 1024
SIZE_LIMIT = 65536
ERROR_LIMIT = 300
# Whatever a template can make the sandbox raise; anything else ends this process, and the next render gets a new one.
FAULTS = (
    TemplateError, ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip


def main() -> None:
    """Answer until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    environment = ImmutableSandboxedEnvironment(autoescape=False)
    _say({"ready": True})
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            _say({"text": _render(environment, asked["source"], asked["values"])})
        except FAULTS as error:
            _say({"error": f"{type(error).__name__}: {error}"[:ERROR_LIMIT]})


def _render(environment: ImmutableSandboxedEnvironment, source: str, values: dict[str, object]) -> str:
    size, parts = 0, []
    for part in environment.from_string(source).generate(values):
        size += len(part)
        if size > SIZE_LIMIT:
            raise ValueError(f"the text is longer than {SIZE_LIMIT} characters")
        parts.append(part)
    return "".join(parts)


def _say(answer: dict[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
