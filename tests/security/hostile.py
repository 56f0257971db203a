"""Makes hostile webhooks from a seed: every fixture bent in many ways, and batches that hide good alerts among bad.

A case names the alerts that must be kept whatever else is in its body. One seed gives the same cases every time.
"""

import gzip
import json
import random
import string
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "webhooks"
DRIVERS = (
    "alertmanager", "cloudwatch", "datadog", "generic", "grafana", "newrelic", "opsgenie", "pagerduty", "zabbix",
)  # fmt: skip
Headers = list[tuple[bytes, bytes]]

WRONG: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**70, -(2**63), 10**400, 1e308, 1e-320, 99999999999999999999, -99999999999999,
    "", " ", "x", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202eevil", "\U0001f469\u200d\U0001f466", "é" * 3000,
    "<script>alert(1)</script>", "'; DROP TABLE alerts; --", "{{ 7*7 }}", "%s%n", "../../etc/passwd", "now", "1e400",
    "-0", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+23:59", "2026-02-30T25:61:61Z", "99999999999999999999",
    [], {}, [[]], [{}], {"": ""}, {"\x00": "\x00"}, [None], ["x", 1, None, {}],
    {"a": {"b": {"c": [1, 2, {"d": None}]}}},
)  # fmt: skip
BOMB = gzip.compress(b"0" * 2_000_000, mtime=0)
TOKENS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 5000, b"0" * 300, b"1.0e+", b"tru", b"null,",
    b"\x00", b"\xff\xfe", b"\\ud800", b'"\\ud83d"', b"'x'", b"/* x */", b"//", b",", b"]", b"}", b"{", b"[", b":", b'"',
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One request; `good` are names of alerts that a 2xx must have kept and that must be answered 2xx."""

    number: int
    kind: str
    path: str
    body: bytes
    method: str = "POST"
    query: bytes = b""
    headers: Headers = field(default_factory=list)
    good: tuple[str, ...] = ()
    has_key: bool = True
    chunks: int = 1
    cut_off: bool = False


class Cases:
    """The cases of one seed, made one after the other."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.fixtures = {driver: load(driver) for driver in DRIVERS}
        self._makers: list[Callable[[int, str, Any], Case]] = [
            *[self._bent] * 8, *[self._mixed] * 4, *[self._broken_text] * 4, self._encoded, self._deep, self._form,
            self._strange_headers, self._strange_path, self._twice, self._compressed, self._large, self._noise,
        ]  # fmt: skip

    def case(self, number: int) -> Case:
        """The next case."""
        driver = self.chance.choice(DRIVERS)
        fixture = deepcopy(self.chance.choice(self.fixtures[driver]))
        made = self.chance.choice(self._makers)(number, driver, fixture)
        if made.kind != "mixed" and self.chance.random() < 0.02:
            return Case(**{**made.__dict__, "cut_off": True, "good": ()})
        return made

    def _wrong(self) -> Any:
        # A copy: what is put into one body must not be bent with it.
        return deepcopy(self.chance.choice(WRONG))

    def _path(self, driver: str) -> str:
        return self.chance.choice(("/alerts/webhook/", f"/alerts/webhook/{driver}/", f"/api/v1/webhooks/{driver}"))

    def _bent(self, number: int, driver: str, fixture: Any) -> Case:
        for _ in range(self.chance.randint(1, 5)):
            fixture = self._bend(fixture)
        return Case(number, "bent", self._path(driver), dump(fixture), chunks=self.chance.choice((1, 1, 2, 7)))

    def _bend(self, value: Any) -> Any:
        places = list(walk(value))
        if not places:
            return self._wrong()
        holder, key = self.chance.choice(places)
        match self.chance.randrange(7):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[self.chance.choice(("", "\x00k", "x" * 5000, key.upper(), f"{key} "))] = holder.pop(key)
            case 2:
                holder[key] = [deepcopy(holder[key])] * self.chance.choice((1, 2, 50))
            case 3:
                holder[key] = {"value": holder[key]}
            case 4 if isinstance(holder, dict):
                holder[key] = {
                    f"k{n}": "v" * self.chance.randint(0, 50) for n in range(self.chance.choice((1, 70, 500)))
                }
            case 5:
                return self._wrong() if self.chance.random() < 0.1 else value
            case _:
                holder[key] = self._wrong()
        return value

    def _mixed(self, number: int, driver: str, _fixture: Any) -> Case:
        """Good alerts between bad ones; the body as a whole is strict JSON of a known shape."""
        names = tuple(f"good {self.seed} {number} {n}" for n in range(self.chance.randint(1, 3)))
        shape = self.chance.choice(("alertmanager", "grafana", "generic", "list"))
        entries = [good_entry(name, shape) for name in names]
        for _ in range(self.chance.randint(1, 6)):
            entries.insert(self.chance.randint(0, len(entries)), self._bad_entry(names[0], shape))
        path = "/alerts/webhook/" if shape == "alertmanager" else f"/alerts/webhook/{shape.replace('list', 'generic')}/"
        return Case(number, "mixed", path, dump(envelope(shape, entries)), good=names)

    def _bad_entry(self, name: str, shape: str) -> Any:
        entry = good_entry(f"bad {name} {self.chance.random()}", shape)
        if self.chance.random() < 0.3:
            return deepcopy(self.chance.choice([wrong for wrong in WRONG if not isinstance(wrong, dict)]))
        for _ in range(self.chance.randint(1, 3)):
            entry = self._bend(entry)
        return entry

    def _broken_text(self, number: int, driver: str, fixture: Any) -> Case:
        text = dump(fixture)
        match self.chance.randrange(5):
            case 0:
                text = text[: self.chance.randrange(len(text) + 1)]
            case 1:
                at = self.chance.randrange(len(text) + 1)
                text = text[:at] + self.chance.choice(TOKENS) + text[at:]
            case 2:
                colon = text.find(b":", self.chance.randrange(len(text)))
                end = text.find(b",", colon)
                text = text[: colon + 1] + self.chance.choice(TOKENS) + (text[end:] if end > 0 else b"}")
            case 3:
                flipped = bytearray(text)
                for _ in range(self.chance.randint(1, 20)):
                    flipped[self.chance.randrange(len(flipped))] = self.chance.randrange(256)
                text = bytes(flipped)
            case _:
                text = text + self.chance.choice((b"", b"\n", b"\x00", b"x")) + text
        return Case(number, "broken text", self._path(driver), text, chunks=self.chance.choice((1, 3)))

    def _encoded(self, number: int, driver: str, fixture: Any) -> Case:
        text = dump(fixture).decode("utf-8", "surrogatepass")
        name = self.chance.choice(
            ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "latin-1", "cp037")
        )
        return Case(number, f"in {name}", self._path(driver), text.encode(name, "replace"))

    def _deep(self, number: int, driver: str, fixture: Any) -> Case:
        depth = self.chance.choice((63, 64, 65, 66, 500, 1000, 5000, 100_000))
        opening, closing = self.chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")))
        nest = opening * depth + b"1" + closing * self.chance.choice((depth, depth, 0))
        if isinstance(fixture, dict) and self.chance.random() < 0.5:
            nest = dump(fixture)[:-1] + b', "deep": ' + nest + b"}"
        return Case(number, "deep", self._path(driver), nest)

    def _form(self, number: int, driver: str, fixture: Any) -> Case:
        flat = {"payload": json.dumps(fixture), "alert_id": "1", "\x00": "é"}
        if self.chance.random() < 0.5:
            return self._typed(number, "form", driver, urlencode(flat).encode(), b"application/x-www-form-urlencoded")
        body = b'--x\r\nContent-Disposition: form-data; name="payload"\r\n\r\n' + dump(fixture) + b"\r\n--x"
        return self._typed(number, "form", driver, body, b"multipart/form-data; boundary=x")

    def _typed(self, number: int, kind: str, driver: str, body: bytes, content_type: bytes) -> Case:
        return Case(number, kind, self._path(driver), body, headers=[(b"content-type", content_type)])

    def _strange_headers(self, number: int, driver: str, fixture: Any) -> Case:
        odd = self.chance.choice(
            (b"", b"\xe9", b"\xff" * 20, b"x" * 9000, b"v1=,v1=zz", b"-1", b"\xf0\x9f\x92\xa9", b"=?utf-8?q?x?=")
        )
        name = self.chance.choice((
            b"x-api-key", b"authorization", b"content-type", b"content-length", b"x-pagerduty-signature", b"host",
            b"x-grafana-alerting-signature", b"x-amz-sns-message-type", b"x-amz-sns-topic-arn", b"x-forwarded-for",
            b"x-request-id", b"traceparent", b"accept", b"accept-encoding", b"cookie", b"user-agent", b"forwarded",
            b"content-encoding", b"x-amz-sns-rawdelivery", b"origin",
        ))  # fmt: skip
        if name == b"authorization":
            odd = self.chance.choice(
                (b"Basic ", b"Basic \xff\xfe", b"Basic ::::", b"Basic 4pyT", b"Bearer ", b"Bearer \xe9", odd)
            )
        headers = [(name, odd)] * self.chance.choice((1, 1, 2))
        key = name not in {b"x-api-key", b"authorization"}
        return Case(number, "strange headers", self._path(driver), dump(fixture), headers=headers, has_key=key)

    def _strange_path(self, number: int, driver: str, fixture: Any) -> Case:
        tail = self.chance.choice((
            "é", "\x00", "..", "../../x", driver.upper(), f"{driver}//", "%", "x" * 4000, "nosuch",
            f"{driver}%00", "\U0001f642",
        ))  # fmt: skip
        query = self.chance.choice(
            (b"", b"api_key=%ff", b"api_key=" + quote("é\x00").encode(), b"a=%", b"\xff\xfe", b"&&&=" * 90)
        )
        method = self.chance.choice(("POST", "PUT", "GET", "PATCH", "DELETE", "OPTIONS", "HEAD", "BREW", "TRACE"))
        return Case(number, "strange path", f"/alerts/webhook/{tail}", dump(fixture), method=method, query=query)

    def _twice(self, number: int, driver: str, fixture: Any) -> Case:
        text = dump(fixture)
        if isinstance(fixture, dict) and fixture:
            key = self.chance.choice(list(fixture))
            text = text[:-1] + b", " + json.dumps(key).encode() + b": " + dump(self._wrong()) + b"}"
        return Case(number, "duplicate keys", self._path(driver), text)

    def _compressed(self, number: int, driver: str, fixture: Any) -> Case:
        encoding = self.chance.choice((b"gzip", b"deflate", b"br", b"zstd", b"identity", b"gzip, gzip", b"\xff", b""))
        body = self.chance.choice((gzip.compress(dump(fixture), mtime=0), BOMB, b"\x1f\x8b", dump(fixture)))
        return Case(number, "compressed", self._path(driver), body, headers=[(b"content-encoding", encoding)])

    def _large(self, number: int, driver: str, _fixture: Any) -> Case:
        size = (
            self.chance.choice((1_000_000, 1_048_576, 1_048_577, 3_000_000)) if self.chance.random() < 0.05 else 60_000
        )
        body = self.chance.choice((b" " * size, b'{"a": "' + b"x" * size + b'"}', b"[" + b"0," * (size // 2) + b"0]"))
        return Case(number, "large", self._path(driver), body, chunks=self.chance.choice((1, 20)))

    def _noise(self, number: int, driver: str, _fixture: Any) -> Case:
        size = self.chance.choice((0, 1, 2, 100, 4000))
        alphabet = self.chance.choice((bytes(range(256)), string.printable.encode(), b'{}[]",:0 '))
        body = bytes(self.chance.choices(alphabet, k=size)) if size else b""
        return Case(number, "noise", self._path(driver), body)


def load(driver: str) -> list[Any]:
    """Every fixture body of one driver, bodies inside whole requests included where they are JSON."""
    bodies = []
    for path in sorted((FIXTURES / driver).glob("*.json")):
        if path.name.endswith(".expected.json"):
            continue
        content = json.loads(path.read_text(encoding="utf-8"))
        if path.name.endswith(".http.json"):
            try:
                content = json.loads(content["body_raw"])
            except ValueError:
                continue
        bodies.append(content)
    assert bodies, f"no fixtures of {driver}"
    return bodies


def dump(value: Any) -> bytes:
    """JSON text with lone surrogates escaped, so that it is always valid UTF-8."""
    return json.dumps(value).encode()


def walk(value: Any) -> "list[tuple[Any, Any]]":
    """Every (holder, key) inside a JSON value."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        items = list(one.items()) if isinstance(one, dict) else list(enumerate(one)) if isinstance(one, list) else []
        for key, inner in items:
            found.append((one, key))
            waiting.append(inner)
    return found


def good_entry(name: str, shape: str) -> Any:
    """A complete alert of one of the batch shapes, with an identity of its own."""
    if shape in {"alertmanager", "grafana"}:
        return {
            "status": "firing",
            "labels": {"alertname": name, "severity": "warning", "case": name},
            "annotations": {"summary": "made up"},
            "startsAt": "2026-03-02T09:24:38.472Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
            "fingerprint": f"f-{name}",
        }
    return {"name": name, "status": "firing", "severity": "warning", "labels": {"case": name}, "id": name}


def envelope(shape: str, entries: list[Any]) -> Any:
    """The batch that carries these entries."""
    match shape:
        case "alertmanager":
            return {
                "version": "4", "groupKey": "g", "status": "firing", "receiver": "r", "groupLabels": {},
                "alerts": entries, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0,
            }  # fmt: skip
        case "grafana":
            return {
                "receiver": "r", "status": "firing", "orgId": 1, "alerts": entries, "groupLabels": {},
                "state": "alerting", "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "version": "1",
                "groupKey": "g", "truncatedAlerts": 0, "title": "t", "message": "m",
            }  # fmt: skip
        case "generic":
            return {"alerts": entries}
        case _:
            return entries
