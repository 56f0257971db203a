"""What a person means who answers a page by SMS or WhatsApp: `ACK 7`, `decline`, `Resolve #7.`, `STOP`. Values only.

Written half asleep, on any phone: capitals, blanks, punctuation, emoji, full-width or Arabic digits, Cyrillic letters
that look like ours, quoted text and signatures do not matter. What is not clearly an answer is none: nothing is ever
acknowledged by guessing.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

TEXT_LIMIT = 800
ANSWERS_AT_MOST = 5
NOTE_LIMIT = 200
LARGEST_NUMBER = 2**31 - 1


class Verb(StrEnum):
    """What somebody wants done."""

    ACKNOWLEDGE = "acknowledge"
    DECLINE = "decline"
    RESOLVE = "resolve"
    HELP = "help"
    STOP = "stop"
    START = "start"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: to the incident of this number, without one to the newest page; `note` is what was added."""

    verb: Verb
    number: int | None = None
    note: str = ""


WORDS = {
    "ack": Verb.ACKNOWLEDGE, "acked": Verb.ACKNOWLEDGE, "acknowledge": Verb.ACKNOWLEDGE,
    "acknowledged": Verb.ACKNOWLEDGE, "decline": Verb.DECLINE, "declined": Verb.DECLINE, "resolve": Verb.RESOLVE,
    "resolved": Verb.RESOLVE,
}  # fmt: skip
# Only as the whole message. The first words are those that carriers and Twilio act upon themselves, whatever we do.
STOP_WORDS = frozenset({
    "stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "optout", "opt out", "revoke",
    "arret", "stopp", "parar", "alto", "baja", "abmelden",
})  # fmt: skip
START_WORDS = frozenset({"start", "unstop"})
HELP_WORDS = frozenset({"help", "info", "hilfe", "aide", "ayuda", "?"})

# Letters of other alphabets that look like the ones in our words, as such a keyboard types them.
_LOOKALIKES = str.maketrans("аАсСкКеЕоОмМрРтТвВнНіІѕЅӏαΑκΚεΕοΟιΙνΝ", "aAcCkKeEoOmMpPtTbBhHiIsSlaAkKeEoOiIvN")
_FORMAT_CHARACTERS = frozenset({"Cf", "Co", "Cs", "Cc"})
_MARKUP = re.compile(r"<[a-z/][^<>]{0,200}>", re.IGNORECASE)
_PREFIX = r"(?:#|№|no\.?|nr\.?|n°|inc(?:ident)?)"
_ANSWER = re.compile(
    rf"(?P<verb>[a-z]+)(?:[\s:.,#-]*{_PREFIX}?[\s:.#-]*(?P<number>\d+)(?![\w]))?(?P<rest>\W.*)?", re.IGNORECASE
)
_TURNED = re.compile(rf"{_PREFIX}?[\s:.-]*(?P<number>\d+)[\s:.,-]+(?P<verb>[a-z]+)[\s.!,]*", re.IGNORECASE)


def read_replies(text: str) -> tuple[Reply, ...]:
    """The answers in a message, in order and each once; empty when it is none.

    Lines that are no answer (a signature, what is quoted) are passed over as long as one line is.
    """
    lines = [line for line in map(_plain, text[:TEXT_LIMIT].splitlines()) if line and not line.startswith(">")]
    whole = _bare(" ".join(lines))
    for verb, words in ((Verb.STOP, STOP_WORDS), (Verb.START, START_WORDS), (Verb.HELP, HELP_WORDS)):
        if whole in words:
            return (Reply(verb),)
    found = dict.fromkeys(reply for reply in map(_read_line, lines) if reply is not None)
    return tuple(found)[:ANSWERS_AT_MOST]


def _read_line(line: str) -> Reply | None:
    turned = _TURNED.fullmatch(line)
    match = turned or _ANSWER.fullmatch(line)
    verb = WORDS.get(match["verb"].lower()) if match else None
    if match is None or verb is None:
        return None
    note = "" if turned else match["rest"] or ""
    if match["number"] is None and any(each.isdigit() for each in note):
        # Another incident may be meant than the newest: better to ask than to quieten the wrong one.
        return None
    return Reply(verb, _number(match["number"]), note.strip(" \t.,;:!-–—")[:NOTE_LIMIT])


def _number(digits: str | None) -> int | None:
    # A number that no incident can have stays one: the sender is told that there is no such incident.
    return None if digits is None else min(int(digits[:20]), LARGEST_NUMBER)


def _plain(line: str) -> str:
    """The line in the letters and digits of our words, without what phones put around them."""
    text = unicodedata.normalize("NFKC", _MARKUP.sub(" ", line)).translate(_LOOKALIKES)
    return "".join(map(_character, text)).strip(" \t*_~'\"`«»“”‘’()[]")


def _character(each: str) -> str:
    category = unicodedata.category(each)
    if category == "Nd":
        return str(unicodedata.digit(each))
    if category in _FORMAT_CHARACTERS:
        return ""
    # Pictures (with their skin tones) and every kind of blank only keep words apart.
    return " " if category in ("So", "Sk", "Zs", "Zl", "Zp") or each == "\ufe0f" else each


def _bare(text: str) -> str:
    """For words that count only alone: small letters, no accents, single blanks, no punctuation around them."""
    plain = unicodedata.normalize("NFD", text.lower())
    letters = "".join(each for each in plain if unicodedata.category(each) != "Mn")
    return " ".join(letters.split()).strip(" .!,;:-") or text.strip()
