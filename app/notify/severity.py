"""How loud a severity looks in every channel: its colour, its sign and its priority (document 001)."""

from collections.abc import Mapping
from types import MappingProxyType

SEVERITIES = ("critical", "warning", "info", "success")
# The same colours as on the screens (static/css/tokens.css).
COLORS: Mapping[str, str] = MappingProxyType(
    {"critical": "#b3261e", "warning": "#855000", "info": "#2b5884", "success": "#1d6837"}
)
EMOJIS: Mapping[str, str] = MappingProxyType({"critical": "🔴", "warning": "🟠", "info": "🔵", "success": "🟢"})
# As mail programs count: 1 is the highest.
PRIORITIES: Mapping[str, int] = MappingProxyType({"critical": 1, "warning": 2, "info": 3, "success": 4})
_WORDS = MappingProxyType({
    "critical": "critical", "crit": "critical", "fatal": "critical", "emergency": "critical", "high": "critical",
    "error": "critical", "warning": "warning", "warn": "warning", "medium": "warning", "success": "success",
    "ok": "success", "resolved": "success",
})  # fmt: skip


def normalized(word: str) -> str:
    """One of the four severities for whatever word a sender uses; `info` for one that means nothing to us."""
    return _WORDS.get(word.strip().lower(), "info")
