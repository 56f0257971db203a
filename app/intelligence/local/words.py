"""What the words of an incident point at: kinds of trouble, programs, ports, paths and hosts. Values only.

Words choose where to look first. Strangers write them, so they are read in bounded portions and decide nothing alone.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from app.intelligence.answer import plain
from app.intelligence.scrub import scrub_text
from app.intelligence.types import AlertFacts, Evidence, RecommendationType as Kind
from app.platform.types import JsonValue

T = TypeVar("T")

READ_LIMIT = 2000
# Of all texts together, and of all labels: this is read on the event loop, and takes milliseconds.
READ_IN_ALL = 16_000
LABELS_READ = 200
ALERTS_READ = 20
NAMED_AT_MOST = 20
PORTS_AT_MOST = 5

# Weight 2 for what hardly means anything else, 1 for what often stands beside something else.
_WORDS: Mapping[Kind, Mapping[str, int]] = {
    Kind.MEMORY: {"memory": 2, "ram": 2, "oom": 2, "swap": 2, "oomkilled": 2, "heap": 2, "rss": 2, "mem": 2},
    Kind.DISK: {
        "disk": 2, "storage": 2, "space": 2, "inode": 2, "inodes": 2, "filesystem": 2, "enospc": 2, "volume": 1,
        "mount": 1, "mountpoint": 1, "quota": 1, "disks": 2, "tmpfs": 2,
    },
    Kind.CPU: {
        "cpu": 2, "load": 2, "processor": 2, "cpus": 2, "loadavg": 2, "cores": 1, "throttled": 1, "throttling": 1,
        "steal": 1, "busy": 1,
    },
    Kind.PROCESS: {
        "process": 2, "processes": 2, "daemon": 2, "zombie": 2, "zombies": 2, "crashed": 2, "crash": 2, "exited": 2,
        "systemd": 2, "hung": 1, "stopped": 1, "running": 1, "service": 1, "restarting": 1, "restarts": 1, "killed": 1,
    },
    Kind.NETWORK: {
        "network": 2, "port": 2, "connection": 2, "connections": 2, "refused": 2, "unreachable": 2, "dns": 2,
        "packet": 2, "packets": 2, "interface": 2, "tcp": 2, "socket": 2, "ping": 2, "latency": 1, "timeout": 1,
        "timeouts": 1, "listen": 1, "connect": 1, "link": 1, "nxdomain": 2, "resolver": 2, "nameserver": 2,
    },
}  # fmt: skip
# Only where one of these is said are the name servers asked.
NAME_SERVER_WORDS = frozenset({"dns", "nxdomain", "resolver", "nameserver"})
_KIND_OF_WORD = {word: (kind, weight) for kind, words in _WORDS.items() for word, weight in words.items()}
# Pairs of words that mean something else than their parts.
_PHRASE = [
    (re.compile(pattern, re.IGNORECASE), word)
    for pattern, word in (
        (r"load[ _-]?balanc\w*", "network"),
        (r"(?:swap|heap|address)[ _-]?space", "memory"),
        (r"(?:timed|time)[ -]out", "timeout"),
        (r"not[ -]running", "process"),
        (r"no space left", "disk"),
    )
]
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[a-z0-9]+")

_NAME = r"[A-Za-z][\w.+@-]{1,60}"
_PROGRAM = re.compile(
    rf"\b(?P<unit>{_NAME})\.service\b"
    rf"|\b(?:process|service|daemon|program|unit)\s+[«\"'`]?(?P<after>{_NAME})[»\"'`]?"
    rf"|[«\"'`]?\b(?P<before>{_NAME})[»\"'`]?\s+(?:process\b|daemon\b|is not running|is down|has stopped|stopped\b"
    r"|does not run|has died|has crashed|is hung|hangs\b|is frozen)"
)
# What stands in such a place and is no program.
_NO_PROGRAM = frozenset({
    "is", "was", "has", "not", "the", "a", "an", "no", "of", "on", "in", "at", "to", "by", "for", "and", "it", "its",
    "this", "that", "which", "host", "server", "machine", "service", "process", "daemon", "node", "instance", "site",
    "website", "system", "running", "down", "stopped", "failed", "unit", "program", "check", "health", "level", "count",
    "time", "with", "one", "some", "any", "every", "all", "main", "restart", "restarts", "monitor", "status", "table",
    "limit", "name",
})  # fmt: skip
_PROGRAM_LABELS = frozenset({"process", "procname", "processname", "unit", "exe", "program", "daemon", "service"})
_HOST_LABELS = frozenset({"host", "hostname", "instance", "node", "nodename", "server", "machine"})
_PORT_LABELS = frozenset({"instance", "target", "address", "endpoint", "port", "url", "host"})
_ENDPOINT = re.compile(r"(?<![\w.:/-])(?P<host>[\w.-]{1,253}|\[[0-9a-fA-F:]{2,39}\]):(?P<port>\d{1,5})(?![\w:.])")
_URL = re.compile(r"\b[a-z]{2,10}://(?P<host>[\w.-]{1,253}|\[[0-9a-fA-F:]{2,39}\]):(?P<port>\d{1,5})(?!\d)")
_PORT = re.compile(r"\bport[ :=]+(?P<port>\d{1,5})\b", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w/:.])(?:/[\w.@+-]{1,100}){1,12}/?|(?<=[\s(«\"'])/(?=[\s)»\"',]|$)")
_ON_HOST = re.compile(r"\bon (?:host |server |node |machine )?(?P<host>[A-Za-z][\w-]*(?:\.[\w-]+)*)")
_DEVICE = re.compile(r"(?:sd[a-z]|x?vd[a-z]|nvme|dm-|md|loop|eth|en[opsx]|wl|bond|veth|br-|lo$)[\w-]*", re.IGNORECASE)
_DAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A port that is named, and where; the host is empty where none is named."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Hints:
    """What the words point at. `weights` are shares of 1, `said` the words that made them."""

    weights: Mapping[Kind, float]
    said: Mapping[Kind, tuple[str, ...]]
    programs: tuple[str, ...] = ()
    mentioned: frozenset[str] = frozenset()
    endpoints: tuple[Endpoint, ...] = ()
    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind | None:
        """The kind that the words speak of most; None where they speak of none, or of two alike."""
        ranked = sorted(self.weights.items(), key=lambda item: -item[1])
        if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
            return None
        return ranked[0][0]


def read(evidence: Evidence) -> Hints:
    """What the incident's title, description, alerts and checks point at."""
    subject = evidence.subject
    alerts = subject.alerts[:ALERTS_READ]
    texts = [subject.title, subject.description, *(alert.name for alert in alerts)]
    for alert in alerts:
        texts += [alert.description, *map(str, alert.annotations.values())]
    texts = _bounded(texts)
    labels = list(islice(_labels(subject.metadata, alerts), LABELS_READ))
    weights, said = _kinds([subject.title[:READ_LIMIT], *texts])
    prose = "\n".join(texts)
    return Hints(
        weights=weights,
        said=said,
        programs=_some([*_programs(prose), *_labelled_programs(labels), *_checked_programs(evidence)]),
        mentioned=frozenset(word.strip(".-") for word in re.findall(_NAME, prose)),
        endpoints=_some(_endpoints(prose, labels))[:PORTS_AT_MOST],
        paths=_some(found[0] if found[0] == "/" else found[0].rstrip("/.") for found in _PATH.finditer(
            "\n".join([prose, *(f" {value}" for _, value in labels)]))),
        hosts=_some(_hosts(prose, labels)),
    )  # fmt: skip


def kind_of(text: str) -> Kind | None:
    """The kind that one text speaks of most."""
    weights, said = _kinds([text[:READ_LIMIT]])
    return Hints(weights, said).kind


def shown(text: str, limit: int = 200) -> str:
    """Text of people and tools as it may be shown: no secrets, no links, one line."""
    return " ".join(plain(scrub_text(text, 4 * limit), limit).split())


def _bounded(texts: Iterable[str]) -> list[str]:
    """The texts up to where they are too much together, each clipped."""
    kept, left = [], READ_IN_ALL
    for text in texts:
        if left <= 0:
            break
        kept.append(text[: min(READ_LIMIT, left)])
        left -= len(kept[-1])
    return kept


def _kinds(texts: list[str]) -> tuple[dict[Kind, float], dict[Kind, tuple[str, ...]]]:
    counts: Counter[Kind] = Counter()
    said: dict[Kind, dict[str, None]] = {}
    for text in texts:
        for pattern, word in _PHRASE:
            text = pattern.sub(word, text)
        for word in dict.fromkeys(_WORD.findall(_CAMEL.sub(" ", text).lower())):
            if word in _KIND_OF_WORD:
                kind, weight = _KIND_OF_WORD[word]
                counts[kind] += weight
                said.setdefault(kind, {})[word] = None
    total = sum(counts.values())
    return {kind: count / total for kind, count in counts.items()}, {kind: tuple(each) for kind, each in said.items()}


def _labels(metadata: Mapping[str, JsonValue], alerts: tuple[AlertFacts, ...]) -> Iterator[tuple[str, str]]:
    for entries in (metadata, *(alert.labels for alert in alerts)):
        for name, value in list(entries.items())[:50]:
            if isinstance(value, str | int) and not isinstance(value, bool):
                yield name.lower()[:80].replace("_", ""), str(value)[:300]


def _programs(prose: str) -> Iterator[str]:
    for found in _PROGRAM.finditer(prose):
        name = (found["unit"] or found["after"] or found["before"]).rstrip(".-")
        if name.lower() not in _NO_PROGRAM and name.lower() not in _KIND_OF_WORD:
            yield name


def _labelled_programs(labels: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in labels:
        if name in _PROGRAM_LABELS and re.fullmatch(_NAME, value):
            yield value.removesuffix(".service")


def _checked_programs(evidence: Evidence) -> Iterator[str]:
    """Those that a check of processes did not find running."""
    for check in evidence.subject.checks:
        watched = check.metrics.get("processes")
        for name, found in watched.items() if isinstance(watched, dict) else ():
            if isinstance(found, dict) and found.get("running") is False:
                yield name[:60]


def _endpoints(prose: str, labels: list[tuple[str, str]]) -> Iterator[Endpoint]:
    told = [value for name, value in labels if name in _PORT_LABELS]
    told += [f"port {value}" for name, value in labels if name == "port"]
    for text in (*told, prose):
        for pattern in (_URL, _ENDPOINT, _PORT):
            for found in pattern.finditer(text):
                groups = found.groupdict()
                if 0 < int(groups["port"]) < 65536 and not re.fullmatch(r"\d{1,2}", groups.get("host") or ""):
                    yield Endpoint((groups.get("host") or "").strip("[]").lower(), int(groups["port"]))


def _hosts(prose: str, labels: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in labels:
        if name in _HOST_LABELS and value:
            yield (_split_host(value)).lower()
    for found in _ON_HOST.finditer(prose):
        host = found["host"].rstrip("-")
        is_like_a_host = any(each in host for each in ".-0123456789")
        if is_like_a_host and not _DEVICE.match(host) and not _DAY.match(host):
            yield host.lower()


def _split_host(value: str) -> str:
    found = _URL.match(value) or _ENDPOINT.fullmatch(value)
    return found["host"].strip("[]") if found else value.strip()


def _some(names: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(names))[:NAMED_AT_MOST]
