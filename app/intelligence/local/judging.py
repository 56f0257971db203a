"""Weighs what was seen against what was said: the likeliest kind of trouble, how sure, and why. Values only.

What the machine shows outranks words, and the verdict says where they disagree. An incident that names another host is
judged by its words, since this machine is no witness of that one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.intelligence.local import signs, words
from app.intelligence.local.machine import Machine, Part
from app.intelligence.local.signs import Cause, Sign
from app.intelligence.local.words import Hints
from app.intelligence.types import Evidence, PastIncident, RecommendationType as Kind

# From here on what was seen decides, and words only tip the scales.
SEEN = 0.35
WORDS_TIP = 0.1
PAST_TIP = 0.1
SURE_AT_MOST = 0.97
SURE_AT_LEAST = 0.05
SURE_ELSEWHERE = 0.35
UNSEEN_COSTS = 0.05

_KIND_OF_CHECKER = {
    "memory": Kind.MEMORY, "cpu": Kind.CPU, "disk": Kind.DISK, "process": Kind.PROCESS, "network": Kind.NETWORK,
}  # fmt: skip
_KIND_OF_PART = {
    Part.MEMORY: Kind.MEMORY, Part.CPU: Kind.CPU, Part.DISKS: Kind.DISK, Part.PROCESSES: Kind.PROCESS,
    Part.SOCKETS: Kind.NETWORK, Part.PORTS: Kind.NETWORK, Part.INTERFACES: Kind.NETWORK, Part.DNS: Kind.NETWORK,
}  # fmt: skip
_NO_HOST = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "host", "server", ""})  # noqa: S104  compared only


class Grounds(StrEnum):
    """What a verdict rests on first of all."""

    SEEN = "seen"
    SAID = "said"
    PAST = "past"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The likeliest kind, how sure, and why; `signs` has those of this kind first.

    `elsewhere` is the host that the incident names when that is not this machine.
    """

    kind: Kind
    grounds: Grounds
    confidence: float
    reasons: tuple[str, ...]
    signs: tuple[Sign, ...]
    elsewhere: str = ""


def judge(evidence: Evidence, hints: Hints, machine: Machine) -> Verdict:
    """What is most likely wrong."""
    found = [*signs.of_machine(machine, hints), *_checks(evidence)]
    elsewhere = _elsewhere(hints, machine)
    seen = {kind: _together(sign.weight for sign in found if sign.kind is kind) for kind in Kind}
    if elsewhere:
        seen = dict.fromkeys(Kind, 0.0)
    past = _past(evidence.past)
    tips = {kind: WORDS_TIP * hints.weights.get(kind, 0.0) + PAST_TIP * past.get(kind, 0.0) for kind in Kind}
    kind = _likeliest(seen, tips)
    grounds = _grounds(kind, seen, hints, past)
    confidence, reasons = _confidence(kind, seen, hints, past, machine)
    if elsewhere:
        confidence = min(confidence, SURE_ELSEWHERE)
        reasons.insert(0, f"the incident names {elsewhere}, and only {machine.hostname} can be looked at from here")
    elif grounds is not Grounds.SEEN:
        reasons.insert(0, "nothing that was measured stands out")
    ordered = sorted(found, key=lambda sign: (sign.kind is not kind, -sign.weight))
    return Verdict(kind, grounds, confidence, tuple(reasons), tuple(ordered), elsewhere)


def _likeliest(seen: Mapping[Kind, float], tips: Mapping[Kind, float]) -> Kind:
    """By what was seen where that is enough; else by words and the past, helped by what little was seen."""
    is_seen = max(seen.values()) >= SEEN
    score = {kind: seen[kind] + tips[kind] if is_seen else 0.2 * seen[kind] + tips[kind] for kind in Kind}
    if is_seen:
        score = {kind: each if seen[kind] >= signs.SLIGHT else 0.0 for kind, each in score.items()}
    best = max(score, key=lambda kind: score[kind])
    return best if score[best] > 0 else Kind.GENERAL


def _grounds(kind: Kind, seen: Mapping[Kind, float], hints: Hints, past: Mapping[Kind, float]) -> Grounds:
    if seen[kind] >= signs.SLIGHT:
        return Grounds.SEEN
    if kind in hints.weights:
        return Grounds.SAID
    return Grounds.PAST if kind in past else Grounds.NONE


def _confidence(
    kind: Kind, seen: Mapping[Kind, float], hints: Hints, past: Mapping[Kind, float], machine: Machine
) -> tuple[float, list[str]]:
    reasons: list[str] = []
    is_seen = seen[kind] >= SEEN
    if is_seen:
        sure = seen[kind]
        reasons.append(f"measured here: {kind.value}")
        other = max((each for each in seen if each is not kind), key=lambda each: seen[each])
        if seen[other] >= 0.6 * sure:
            sure -= 0.2 * (seen[other] / sure)
            reasons.append(f"{other.value} shows trouble as well, and may be the cause or the effect")
    else:
        sure = 0.1 + 0.2 * hints.weights.get(kind, 0.0) + 0.5 * seen[kind]
        reasons += [f"a slight sign of {kind.value} was measured here"] if seen[kind] >= signs.SLIGHT else []
    if kind in hints.weights:
        sure += 0.03
        reasons.append(f"the words say so{' too' if is_seen else ''} ({', '.join(hints.said[kind][:3])})")
    if hints.kind is not None and hints.kind is not kind:
        sure -= 0.08
        reasons.append(f"the words speak more of {hints.kind.value}{_but(seen[hints.kind])}")
    if past.get(kind):
        sure += 0.07
        reasons.append("incidents like this one were of this kind before")
    missing = [each for each in machine.unseen if _KIND_OF_PART.get(each.part)]
    if missing:
        sure -= min(3, len(missing)) * UNSEEN_COSTS
        parts = ", ".join(f"{each.part.value} ({each.why})" for each in missing)
        reasons.append(f"not looked at: {parts}")
    return round(min(SURE_AT_MOST, max(SURE_AT_LEAST, sure)), 2), reasons


def _but(seen: float) -> str:
    return ", which shows less" if seen >= signs.SLIGHT else ", which does not show"


def _together(weights: Iterable[float]) -> float:
    """Signs of one kind mostly have one cause: the weightiest counts, the others a little."""
    ordered = sorted(weights, reverse=True)
    if not ordered:
        return 0.0
    none_of_them = 1.0
    for weight in ordered:
        none_of_them *= 1 - weight
    return ordered[0] + 0.2 * (1 - none_of_them - ordered[0])


def _checks(evidence: Evidence) -> list[Sign]:
    """What the checks of this incident found, as signs; they were made on this machine a moment ago."""
    found = []
    for check in evidence.subject.checks:
        kind = _KIND_OF_CHECKER.get(check.checker.partition("_")[0])
        weight = {"critical": 0.6, "warning": 0.4}.get(check.status)
        if kind is None or weight is None:
            continue
        # What could be cleaned up is no trouble by itself.
        weight = weight if "_" not in check.checker else weight / 2
        text = f"check {check.checker} is {check.status}: {words.shown(check.message)}"
        found.append(Sign(kind, Cause.CHECK, weight, text, check.checker))
    return found


def _past(past: Iterable[PastIncident]) -> dict[Kind, float]:
    """Shares of 1: of which kinds incidents like this one were, by what was written about them."""
    votes: dict[Kind, float] = {}
    for incident in past:
        kind = words.kind_of(f"{incident.title}\n{incident.resolution}")
        if kind is not None:
            votes[kind] = votes.get(kind, 0.0) + incident.similarity
    total = sum(votes.values())
    return {kind: vote / total for kind, vote in votes.items()} if total else {}


def _elsewhere(hints: Hints, machine: Machine) -> str:
    """The host that is named, when every one that is named is another one."""
    named_hosts = [host for host in hints.hosts if host not in _NO_HOST]
    ours = {name.lower() for name in (machine.hostname, *machine.names)}
    ours |= {name.partition(".")[0] for name in ours if not name.replace(".", "").isdigit()}
    if any(host in ours or host.partition(".")[0] in ours for host in named_hosts):
        return ""
    return named_hosts[0] if named_hosts else ""
