"""Every fixture comes out of its driver as its expected file says, forced and detected."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest

from app.alerts.detection import as_payload, detect, find_driver, parse
from app.alerts.drivers._base import Headers, PayloadRejected, SignatureInvalid
from app.alerts.types import AlertStatus, ParsedAlert, ParsedPayload, Severity, SourceOptions
from app.platform.strictjson import loads
from tests.support.webhooks import Case, bodies, cases, differences, fingerprint_clashes, requests

DRIVERS = sorted({case.driver for case in cases()})


def read(case: Case, *, forced: bool) -> ParsedPayload:
    """The case as its driver reads it, or the driver that detection chooses."""
    payload, headers = as_payload(loads(case.body)), Headers(case.headers)
    entry = find_driver(case.driver) if forced else detect(payload, headers)
    assert entry is not None
    if not forced:
        assert entry.name == case.expected.get("detected_driver", case.driver)
    return parse(entry, payload, headers, received_at=case.received_at, options=SourceOptions(**case.config))


def found(alert: ParsedAlert) -> Mapping[str, Any]:
    """The fields of an alert that nobody has stored before: what a resolve does not say is a warning then."""
    return {**asdict(alert), "severity": alert.severity or Severity.WARNING, "fingerprint": alert.fingerprint}


def pairs(case: Case, parsed: ParsedPayload) -> list[tuple[dict[str, Any], ParsedAlert]]:
    """Each expected alert with the one that came out; of a final state, the last ones."""
    expected = case.expected["alerts"]
    alerts = parsed.alerts[-len(expected) :] if case.expected.get("final_state_only") else parsed.alerts
    return list(zip(expected, alerts, strict=True))


@pytest.mark.parametrize("forced", [True, False], ids=["forced", "detected"])
@pytest.mark.parametrize("case", bodies(), ids=str)
def test_body_comes_out_as_expected(case: Case, forced: bool) -> None:
    outcome = case.expected["outcome"]
    if outcome == "rejected":
        with pytest.raises(PayloadRejected) as caught:
            read(case, forced=forced)
        assert caught.value.status in case.expected["http_status"]
        return
    parsed = read(case, forced=forced)
    assert parsed.source == case.driver
    assert parsed.ignored == (outcome == "ignored")
    assert (parsed.control.kind if parsed.control else None) == case.expected.get("control")
    assert not parsed.errors
    for expected, alert in pairs(case, parsed):
        assert not differences(case, expected, found(alert))
        stored = json.dumps(asdict(alert), default=str, ensure_ascii=False)
        assert not [text for text in case.expected.get("forbidden_substrings", []) if text in stored]


@pytest.mark.parametrize("case", requests(), ids=str)
def test_request_is_believed_only_with_a_right_signature(case: Case) -> None:
    if not case.expected["signature_valid"]:
        with pytest.raises(SignatureInvalid) as caught:
            check_signature(case)
        assert caught.value.status in case.expected["http_status"]
        return
    check_signature(case)
    for forced in (True, False):
        for expected, alert in pairs(case, read(case, forced=forced)):
            assert not differences(case, expected, found(alert))


def check_signature(case: Case) -> None:
    """What a door does before it believes a request."""
    entry = find_driver(case.driver)
    assert entry is not None
    headers, options = Headers(case.headers), SourceOptions(**case.config)
    if entry.driver.verify is not None:
        entry.driver.verify(case.body, headers, options, case.received_at)
    if entry.driver.certificate is not None:
        payload = as_payload(loads(case.body))
        url = entry.driver.certificate.url(payload, headers)
        assert url is not None
        assert not case.expected.get("must_not_fetch")
        entry.driver.certificate.verify(payload, case.certificate, options, case.received_at)


@pytest.mark.parametrize("driver", DRIVERS)
def test_fingerprints_are_equal_exactly_where_the_identity_is(driver: str) -> None:
    accepted = [case for case in cases() if case.driver == driver and case.expected["outcome"] == "alerts"]
    seen = [
        (str(case), expected["fingerprint_inputs"], alert.fingerprint)
        for case in accepted
        for expected, alert in pairs(case, read(case, forced=True))
    ]
    assert list(fingerprint_clashes(seen)) == []


def test_every_driver_of_the_folder_has_fixtures() -> None:
    assert DRIVERS == [
        "alertmanager", "cloudwatch", "datadog", "generic", "grafana", "newrelic", "opsgenie", "pagerduty", "zabbix",
    ]  # fmt: skip
    assert len(cases()) == 90


def test_huge_labels_keep_the_small_ones_and_are_cut_to_what_can_be_stored() -> None:
    case = next(case for case in cases() if case.name == "huge_labels")
    alert = read(case, forced=True).alerts[0]
    assert alert.status is AlertStatus.FIRING
    assert len(alert.labels) == 153
    assert len(alert.description) == 16384
    assert alert.description.endswith("…")
