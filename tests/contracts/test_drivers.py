"""What every driver promises, tested for every file in the folder: nobody has to add a test for a new one."""

import copy
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from app.alerts.detection import Detected, as_payload, detect, drivers, find_driver, parse
from app.alerts.drivers._base import Headers, Payload, PayloadRejected, Sample, SignatureInvalid
from app.alerts.drivers._values import MAX_ALERTS, MAX_KEY, MAX_LABELS, MAX_NAME, MAX_VALUE
from app.alerts.types import AlertStatus, ParsedAlert, ParsedPayload, SourceOptions

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
OPTIONS = SourceOptions()
SECRET = SourceOptions(signing_secret="made-up", timestamp_header="X-Time", topic_arn="arn:aws:sns:eu-west-1:1:t")
FINGERPRINT = re.compile("[0-9a-f]{64}")
EXAMPLES = 300

ENTRIES = drivers()
SAMPLES = [(entry, sample) for entry in ENTRIES for sample in entry.driver.samples]
by_name = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
by_sample = pytest.mark.parametrize(
    ("entry", "sample"), SAMPLES, ids=[f"{entry.name}: {sample.name}" for entry, sample in SAMPLES]
)

WORDS = [
    "", "0", "ok", "firing", "$ALERT_ID", "{EVENT.ID}", "*UNKNOWN*", "1772443478000", "0001-01-01T00:00:00Z", "a:b,c",
    "2026-03-02T09:24:38Z", "9999-12-31T23:59:59-12:00", "²", "[Triggered on {a}] b", '{"AlarmName": 1}', "[[[[", "P1",
]  # fmt: skip
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(WORDS)
    | st.sampled_from([10**30, -1, 1e300, 253402300800, 2**63]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def read(entry: Detected, payload: Payload, headers: Headers | None = None) -> ParsedPayload:
    """The body as this driver reads it, without the net under it."""
    return entry.driver.parse(copy.deepcopy(payload), headers or Headers(), NOW, OPTIONS)


def places_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every part of a body."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places_in(item, (*path, key))


@st.composite
def damaged(draw: st.DrawFn, samples: tuple[Sample, ...]) -> Payload:
    """A sample in which up to three parts are something else, gone, or there twice."""
    body: Any = copy.deepcopy(draw(st.sampled_from(samples)).given)
    for _ in range(draw(st.integers(1, 3))):
        path: tuple[Any, ...] = draw(st.sampled_from(list(places_in(body))))
        if not path:
            return draw(st.dictionaries(st.sampled_from(["name", *body]) | st.text(max_size=8), JUNK, max_size=6))
        holder: Any = body
        for key in path[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "remove", "repeat"])):
            case "remove":
                del holder[path[-1]]
            case "repeat" if isinstance(holder, list):
                holder.append(holder[path[-1]])
            case _:
                holder[path[-1]] = draw(JUNK)
    return as_payload(body)


def assert_storable(alert: ParsedAlert) -> None:
    """Whatever the sender wrote, the alert has bounds, aware times, and a status that its times agree with."""
    assert 0 < len(alert.name) <= MAX_NAME
    assert FINGERPRINT.fullmatch(alert.fingerprint)
    assert all(isinstance(value, str) for value in alert.fingerprint_inputs.values())
    for time in (alert.started_at, alert.ended_at):
        assert time is None or time.utcoffset() == timedelta(0)
    if alert.status is AlertStatus.FIRING:
        assert alert.severity is not None
        assert alert.started_at is not None
        assert alert.ended_at is None
    else:
        assert alert.ended_at is not None
    for texts in (alert.labels, alert.annotations):
        assert len(texts) <= MAX_LABELS
        assert all(len(key) <= MAX_KEY and len(value) <= MAX_VALUE for key, value in texts.items())


@by_name
def test_driver_is_documented_and_shows_what_it_reads(entry: Detected) -> None:
    driver = entry.driver
    assert driver.label
    assert "{webhook_url}" in driver.setup
    assert "{api_key}" in driver.setup
    assert len(driver.samples) >= 2
    text = driver.setup_for(webhook_url="https://pager.example.com/alerts/webhook/", api_key="k1")
    assert "k1" in text
    assert "{webhook_url}" not in text


@by_name
def test_no_two_drivers_are_equally_specific(entry: Detected) -> None:
    assert [other.name for other in ENTRIES if other.driver.specificity == entry.driver.specificity] == [entry.name]


@by_sample
def test_sample_is_detected_as_its_own(entry: Detected, sample: Sample) -> None:
    headers = Headers(sample.headers)
    assert entry.driver.detects(sample.given, headers)
    assert detect(sample.given, headers) == entry


@by_sample
def test_sample_gives_what_it_says(entry: Detected, sample: Sample) -> None:
    parsed = read(entry, sample.given, Headers(sample.headers))
    assert parsed.source == entry.name
    assert not parsed.errors
    for alert, expected in zip(parsed.alerts, sample.expect, strict=True):
        assert_storable(alert)
        for name, value in expected.items():
            found = getattr(alert, name)
            if isinstance(found, datetime):
                value = datetime.fromisoformat(value)
            if isinstance(value, dict):
                found = {key: found.get(key) for key in value}
            assert found == value, name
    if not sample.expect:
        assert parsed.ignored or parsed.control


@by_sample
def test_reading_again_gives_the_same_fingerprints_and_leaves_the_body_alone(entry: Detected, sample: Sample) -> None:
    body = copy.deepcopy(sample.given)
    first = [alert.fingerprint for alert in entry.driver.parse(body, Headers(), NOW, OPTIONS).alerts]
    later = entry.driver.parse(body, Headers(), NOW + timedelta(hours=5), OPTIONS).alerts
    assert first == [alert.fingerprint for alert in later]
    assert body == sample.given


@by_name
def test_junk_is_refused_and_nothing_else_happens(entry: Detected) -> None:
    @settings(max_examples=EXAMPLES, deadline=None)
    @given(damaged(entry.driver.samples), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=2))
    def check(body: Payload, headers: dict[str, str]) -> None:
        assert isinstance(entry.driver.detects(body, Headers(headers)), bool)
        try:
            parsed = entry.driver.parse(body, Headers(headers), NOW, OPTIONS)
        except PayloadRejected as refusal:
            assert_readable(refusal)
            return
        assert parsed.alerts or parsed.ignored or parsed.control
        for alert in parsed.alerts:
            assert_storable(alert)

    check()


def assert_readable(refusal: PayloadRejected) -> None:
    """A refusal is a sentence with its place."""
    assert refusal.status == 422
    assert refusal.errors
    assert all(error.message.endswith(".") for error in refusal.errors)


@by_name
def test_junk_signatures_are_refused_and_nothing_else_happens(entry: Detected) -> None:
    @settings(max_examples=100, deadline=None)
    @given(damaged(entry.driver.samples), st.text(max_size=40), st.text(max_size=40), st.binary(max_size=40))
    def check(body: Payload, signature: str, stamp: str, pem: bytes) -> None:
        headers = Headers(
            {"X-Grafana-Alerting-Signature": signature, "X-PagerDuty-Signature": signature, "X-Time": stamp}
        )
        if entry.driver.verify is not None:
            with pytest.raises(SignatureInvalid):
                entry.driver.verify(b"{}", headers, SECRET, NOW)
            entry.driver.verify(b"{}", headers, OPTIONS, NOW)
        if entry.driver.certificate is not None:
            with pytest.raises(SignatureInvalid):
                entry.driver.certificate.verify(body, pem, SECRET, NOW)

    check()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.dictionaries(st.text(max_size=10), JUNK, max_size=4) | st.lists(JUNK, max_size=4) | JUNK)
def test_whatever_is_posted_is_read_or_refused(value: Any) -> None:
    try:
        payload = as_payload(value)
        parse(detect(payload, Headers()), payload, Headers(), received_at=NOW, options=OPTIONS)
    except PayloadRejected as refusal:
        assert_readable(refusal)


def test_a_list_is_read_as_its_alerts() -> None:
    payload = as_payload([{"name": "A1"}, {"name": "A2"}])
    assert detect(payload, Headers()).name == "generic"


def test_good_entries_are_kept_beside_bad_ones() -> None:
    parsed = read_by("generic", {"alerts": [{"name": "A1"}, 5, {"title": None}, {"name": "A2"}]})
    assert [alert.name for alert in parsed.alerts] == ["A1", "A2"]
    assert parsed.errors == [
        "alerts[1]: needs a JSON object.",
        "alerts[2].name: needs a name, title, alertname or summary.",
    ]


def test_only_bad_entries_are_refused_with_every_place() -> None:
    with pytest.raises(PayloadRejected) as caught:
        read_by("alertmanager", {"alerts": [{"labels": 5}, "x"], "status": "firing"})
    assert [error.path for error in caught.value.errors] == ["alerts[0].labels", "alerts[1]"]


def test_more_alerts_than_a_request_may_hold_are_named() -> None:
    parsed = read_by("generic", {"alerts": [{"name": "A", "id": number} for number in range(MAX_ALERTS + 100)]})
    assert len(parsed.alerts) == MAX_ALERTS
    assert parsed.errors == [f"alerts[500] to alerts[599]: only {MAX_ALERTS} entries are taken per request."]


def test_a_time_that_cannot_be_read_does_not_lose_the_alert() -> None:
    parsed = read_by("generic", {"name": "A", "started_at": "yesterday"})
    assert parsed.alerts[0].started_at == NOW
    assert parsed.notes == ["'yesterday' is not a time; it was left out."]


def test_a_drivers_mistake_is_a_refusal_that_keeps_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumbles(*_: object) -> ParsedPayload:
        raise KeyError("labels")

    entry = Detected("broken", copy.copy(ENTRIES[0].driver))
    object.__setattr__(entry.driver, "parse", stumbles)
    with pytest.raises(PayloadRejected, match="driver failed \\(KeyError\\)"):
        parse(entry, {}, Headers(), received_at=NOW, options=OPTIONS)


def read_by(name: str, payload: Payload) -> ParsedPayload:
    """The body as the driver of that name reads it."""
    entry = find_driver(name)
    assert entry is not None
    return read(entry, payload)
