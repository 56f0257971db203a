"""Text messages and speech: what fits into two segments of a mobile network, and what a voice can read out.

A segment holds 160 characters of the GSM alphabet (3GPP TS 23.038), 153 when there are several; one character outside
of it makes the whole message UCS-2, of which 70 and 67 fit.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

SEGMENTS = 2
GSM_SINGLE, GSM_MULTI = 160, 153
UCS_SINGLE, UCS_MULTI = 70, 67
# Less of a title than this tells nobody anything.
TITLE_AT_LEAST = 20
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€\f")
_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "−": "-",
     "…": "...", "→": "->", "←": "<-", "≥": ">=", "≤": "<=", "×": "x", "•": "-", "·": "-", "`": "'", "\u00ad": ""}
)  # fmt: skip
_URL = re.compile(r"https?://\S+")
_LONG_NUMBER = re.compile(r"\d{4,}")


def folded(text: str) -> str:
    """`text` on one line, in the GSM alphabet as far as it can be said there: signs and pictures are left out."""
    text = " ".join(text.split())
    if text.isascii() and text.isprintable() and "`" not in text:
        return text
    kept = []
    for each in " ".join(text.translate(_PLAIN).split()):
        if each in _GSM or each in _GSM_TWICE:
            kept.append(each)
        elif unicodedata.category(each)[0] not in "SC":
            base = unicodedata.normalize("NFKD", each)[0]
            kept.append(base if base in _GSM else each)
    return " ".join("".join(kept).split())


def segments(text: str) -> int:
    """How many segments a text message takes."""
    units, single, multi = _measured(text)
    return 1 if units <= single else -(-units // multi)


def fits(text: str) -> bool:
    """Whether a text message takes at most two segments."""
    return segments(text) <= SEGMENTS


def text_message(before: str, title: str, *afters: str) -> str:
    """`before`, `title` and the first of `afters` that leaves room for the title, in two segments.

    Only the title is ever cut; the last of `afters` is used in any case.
    """
    said, title = folded(before), folded(title)
    for after in map(folded, afters):
        for length in (len(title), TITLE_AT_LEAST):
            if fits(_joined(said, title[:length], after)):
                return _joined(said, _longest(said, title, after), after)
    return _joined(said, _longest(said, title, folded(afters[-1])), folded(afters[-1]))


def listed(before: str, entries: Sequence[str], after: str) -> str:
    """`before`, as many of `entries` as fit with the number of those that do not, and `after`."""
    said, end = folded(before), folded(after)
    for count in range(len(entries), 0, -1):
        left = len(entries) - count
        more = f"; and {left} more" if left else ""
        text = f"{said} {'; '.join(folded(each) for each in entries[:count])}{more}. {end}".strip()
        if fits(text):
            return text
    return clipped(f"{said} {end}".strip())


def clipped(text: str) -> str:
    """The beginning of a text, as much as two segments hold."""
    text = folded(text)
    return text if fits(text) else _cut(text, lambda shorter: fits(f"{shorter}..."))


def spoken(text: str) -> str:
    """A text for a voice: no addresses, and long numbers digit by digit."""
    return _LONG_NUMBER.sub(lambda found: digits(found.group()), " ".join(_URL.sub("", text).split()))


def digits(number: int | str) -> str:
    """A number digit by digit, so that 142 is never heard as 100 and 42."""
    return " ".join(str(number))


def _measured(text: str) -> tuple[int, int, int]:
    """The units that a text takes, and how many a single segment and one of several hold."""
    if text.isascii() or all(each in _GSM or each in _GSM_TWICE for each in text):
        return len(text) + sum(each in _GSM_TWICE for each in text), GSM_SINGLE, GSM_MULTI
    return len(text.encode("utf-16-be", "surrogatepass")) // 2, UCS_SINGLE, UCS_MULTI


def _longest(said: str, title: str, after: str) -> str:
    if fits(_joined(said, title, after)):
        return title
    return _cut(title, lambda shorter: fits(_joined(said, f"{shorter}...", after)))


def _cut(text: str, enough: Callable[[str], bool]) -> str:
    """The longest beginning of `text` that is short `enough`, with dots."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if enough(text[:middle].rstrip()) else (low, middle - 1)
    return f"{text[:low].rstrip()}..." if low else ""


def _joined(before: str, title: str, after: str) -> str:
    end = "" if not after else f" {after}" if title.endswith((".", "!", "?")) or not title else f". {after}"
    return f"{before} {title}{end}".strip()
