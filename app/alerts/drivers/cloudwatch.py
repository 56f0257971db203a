"""AWS CloudWatch alarms: through SNS (signed envelope or raw delivery) and through EventBridge.

Formats: AWS documentation, «Parsing Amazon SNS message formats» and «Alarm events and EventBridge».
The quirks that cost time: the alarm is JSON text inside the envelope's Message, posted as text/plain; Subject is cut at
100 characters; `Region` is a display name; every new alarm begins by going from INSUFFICIENT_DATA to OK.
"""

from datetime import datetime
from typing import Any, NamedTuple

from app.alerts.drivers import _sns
from app.alerts.drivers._base import (
    CertificateCheck,
    Control,
    Driver,
    Headers,
    ParsedAlert,
    ParsedPayload,
    Payload,
    PayloadRejected,
    Sample,
    SourceOptions,
)
from app.alerts.drivers._values import (
    bounded,
    description_of,
    filled,
    id_of,
    known_severity,
    name_of,
    optional_object,
    time_of,
)
from app.alerts.types import AlertStatus, Severity
from app.platform.strictjson import MalformedJson, loads_text

TOPIC_HEADER = "x-amz-sns-topic-arn"
CONTROLS = {"SubscriptionConfirmation": "sns_subscribe", "UnsubscribeConfirmation": "sns_unsubscribed"}
CONFIGURATION_CHANGE = "Configuration Change"
TAG_KEYS = ("AlarmTags", "alarmTags", "Tags")


def detects(payload: Payload, headers: Headers) -> bool:
    """An SNS envelope, an EventBridge event of CloudWatch, or the alarm itself."""
    return (
        ("Type" in payload and "TopicArn" in payload)
        or ("detail-type" in payload and payload.get("source") == "aws.cloudwatch")
        or ("AlarmName" in payload and "NewStateValue" in payload)
    )


def parse(payload: Payload, headers: Headers, received_at: datetime, options: SourceOptions) -> ParsedPayload:
    """The alarm, wherever it is; a message that is no alarm is an alert by its subject.

    Raises PayloadRejected for anything else. The signature is not looked at here: see PLUGIN.certificate.
    """
    notes: list[str] = []
    if "Type" in payload:
        return _envelope(payload, received_at, options, notes)
    if "detail-type" in payload:
        return _event(payload, received_at, options, notes)
    if "AlarmName" not in payload:
        raise PayloadRejected("AlarmName", "needs an SNS envelope, an EventBridge event or an alarm.")
    alarm = _from_message(payload, headers.get(TOPIC_HEADER, ""), received_at, notes)
    return ParsedPayload([_parsed(alarm, options)], "cloudwatch", version="raw", notes=notes)


def _envelope(payload: Payload, received_at: datetime, options: SourceOptions, notes: list[str]) -> ParsedPayload:
    kind, topic = payload.get("Type"), id_of(payload.get("TopicArn"))
    if isinstance(kind, str) and kind in CONTROLS:
        return ParsedPayload([], "cloudwatch", version="sns", control=_control(payload, CONTROLS[kind], topic))
    if kind != "Notification":
        raise PayloadRejected("Type", "needs Notification, SubscriptionConfirmation or UnsubscribeConfirmation.")
    sent_at = time_of(payload.get("Timestamp"), notes) or received_at
    inner = _inner(payload.get("Message"))
    if "AlarmName" in inner and "NewStateValue" in inner:
        alert = _parsed(_from_message(inner, topic, sent_at, notes), options)
    elif "detail-type" in inner and inner.get("source") == "aws.cloudwatch":
        return _event(inner, received_at, options, notes)
    else:
        alert = _plain(payload, topic, sent_at)
    return ParsedPayload([alert], "cloudwatch", version="sns", notes=notes)


def _event(event: Payload, received_at: datetime, options: SourceOptions, notes: list[str]) -> ParsedPayload:
    if CONFIGURATION_CHANGE in id_of(event.get("detail-type")):
        return ParsedPayload([], "cloudwatch", version="eventbridge", ignored=True)
    alarm = _from_event(event, received_at, notes)
    return ParsedPayload([_parsed(alarm, options)], "cloudwatch", version="eventbridge", notes=notes)


def _inner(message: Any) -> Payload:
    """The object that an envelope's Message spells, empty where it spells none."""
    try:
        return optional_object(loads_text(message)) if isinstance(message, str) else {}
    except MalformedJson:
        return {}


def _plain(payload: Payload, topic: str, sent_at: datetime) -> ParsedAlert:
    """A message that is no alarm, by its subject."""
    subject, message = id_of(payload.get("Subject")), payload.get("Message")
    if not (subject or id_of(message)):
        raise PayloadRejected("Message", "needs a message or a subject.")
    return ParsedAlert(
        fingerprint_inputs=filled(TopicArn=topic, Subject=subject),
        name=name_of(subject, otherwise=f"Message of {topic.rpartition(':')[2] or 'an SNS topic'}"),
        status=AlertStatus.FIRING,
        severity=Severity.WARNING,
        started_at=sent_at,
        description=description_of(message),
        labels=bounded(filled(TopicArn=topic)),
    )


def _control(payload: Payload, kind: str, topic: str) -> Control:
    if kind == "sns_unsubscribed":
        # Its SubscribeURL would subscribe again, against what somebody has just done on purpose.
        return Control(kind, topic)
    url = id_of(payload.get("SubscribeURL"))
    if not _sns.is_subscribe_url(url):
        raise PayloadRejected("SubscribeURL", "needs https on sns.<region>.amazonaws.com.")
    return Control(kind, topic, subscribe_url=url, token=id_of(payload.get("Token")))


class _Alarm(NamedTuple):
    """What the two roads to an alarm have in common."""

    state: str
    identity: dict[str, str]
    name: str
    changed_at: datetime
    tagged: Severity | None
    description: str
    labels: dict[str, str]
    annotations: dict[str, str]


def _from_message(alarm: Payload, topic: str, sent_at: datetime, notes: list[str]) -> _Alarm:
    name = id_of(alarm.get("AlarmName"))
    if not name:
        raise PayloadRejected("AlarmName", "needs the alarm's name.")
    arn, account = id_of(alarm.get("AlarmArn")), id_of(alarm.get("AWSAccountId"))
    part = (arn or topic).split(":")
    partition, region = (part[1], part[3]) if len(part) > 4 else ("aws", id_of(alarm.get("Region")))
    trigger, reason = optional_object(alarm.get("Trigger")), alarm.get("NewStateReason")
    metric = {key: trigger.get(key) for key in ("Namespace", "MetricName")}
    return _Alarm(
        state=id_of(alarm.get("NewStateValue")),
        identity={"AlarmArn": arn or f"arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"},
        name=name,
        changed_at=time_of(alarm.get("StateChangeTime"), notes) or sent_at,
        tagged=_tag_severity(alarm),
        description=description_of(alarm.get("AlarmDescription"), reason),
        labels={**_dimensions(trigger), **filled(**metric, Region=region, AWSAccountId=account)},
        annotations=filled(reason=reason, AlarmRule=alarm.get("AlarmRule")),
    )


def _from_event(event: Payload, received_at: datetime, notes: list[str]) -> _Alarm:
    detail = optional_object(event.get("detail"))
    name = id_of(detail.get("alarmName"))
    if not name:
        raise PayloadRejected("detail.alarmName", "needs the alarm's name.")
    state, settings = optional_object(detail.get("state")), optional_object(detail.get("configuration"))
    region, account, resources = id_of(event.get("region")), id_of(event.get("account")), event.get("resources")
    arn = id_of(resources[0]) if isinstance(resources, list) and resources else ""
    contributor, metric = optional_object(detail.get("alarmContributor")), _event_metric(settings)
    changed_at = time_of(state.get("timestamp"), notes) or time_of(event.get("time"), notes)
    return _Alarm(
        state=id_of(state.get("value")),
        identity={
            "AlarmArn": arn or f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
            **filled(contributor=id_of(contributor.get("id"))),
        },
        name=name,
        changed_at=changed_at or received_at,
        tagged=_tag_severity(detail),
        description=description_of(settings.get("description"), state.get("reason")),
        labels={
            **filled(**optional_object(metric.get("dimensions"))),
            **filled(**optional_object(contributor.get("attributes"))),
            **filled(Namespace=metric.get("namespace"), MetricName=metric.get("name")),
            **filled(Region=region, AWSAccountId=account),
        },
        annotations=filled(reason=state.get("reason"), AlarmRule=settings.get("alarmRule")),
    )


def _parsed(alarm: _Alarm, options: SourceOptions) -> ParsedAlert:
    """ALARM fires by tag, source setting or critical; OK resolves; missing data is a warning and resolves nothing."""
    firing = alarm.state != "OK"
    severity = alarm.tagged
    if firing:
        by_source = options.default_severity or Severity.CRITICAL
        severity = (alarm.tagged or by_source) if alarm.state == "ALARM" else Severity.WARNING
    return ParsedAlert(
        fingerprint_inputs=alarm.identity,
        name=name_of(alarm.name, otherwise="CloudWatch alarm"),
        status=AlertStatus.FIRING if firing else AlertStatus.RESOLVED,
        severity=severity,
        started_at=alarm.changed_at if firing else None,
        ended_at=None if firing else alarm.changed_at,
        description=alarm.description,
        labels=bounded(alarm.labels),
        annotations=bounded(alarm.annotations),
    )


def _tag_severity(alarm: Payload) -> Severity | None:
    """The alarm's tag «severity», where tags are propagated: an object, or a list of {key, value}."""
    tags = next((alarm[key] for key in TAG_KEYS if key in alarm), None)
    if isinstance(tags, list):
        pairs = [optional_object(tag) for tag in tags]
        tags = {id_of(tag.get("key", tag.get("Key"))): tag.get("value", tag.get("Value")) for tag in pairs}
    words = [value for key, value in optional_object(tags).items() if key.lower() == "severity"]
    return known_severity(words[0]) if words else None


def _dimensions(trigger: Payload) -> dict[str, str]:
    """The metric's dimensions as labels; of a math alarm, those of all its metrics."""
    metrics = [optional_object(entry) for entry in _list(trigger.get("Metrics"))]
    stats = [optional_object(optional_object(entry.get("MetricStat")).get("Metric")) for entry in metrics]
    dimensions = [optional_object(item) for holder in (trigger, *stats) for item in _list(holder.get("Dimensions"))]
    return filled(**{id_of(item.get("name")) or "dimension": item.get("value") for item in dimensions})


def _event_metric(settings: Payload) -> Payload:
    """The first metric of an EventBridge event's configuration."""
    stats = [optional_object(optional_object(entry).get("metricStat")) for entry in _list(settings.get("metrics"))]
    return next((metric for metric in (optional_object(stat.get("metric")) for stat in stats) if metric), {})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_ALARM = (
    '{"AlarmName":"HighCPU","AlarmDescription":null,"AWSAccountId":"123456789012","NewStateValue":"%s",'
    '"StateChangeTime":"2026-03-02T09:24:38.472+0000","Region":"EU (Ireland)","OldStateValue":"OK",'
    '"Trigger":{"MetricName":"CPUUtilization","Namespace":"AWS/EC2","Dimensions":[{"name":"InstanceId","value":"i-1"}]}}'
)
_TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
_ENVELOPE = {"Type": "Notification", "TopicArn": _TOPIC, "Subject": "x", "Timestamp": "2026-03-02T09:24:38.531Z"}
_CONFIRM = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={_TOPIC}&Token=0123"

SAMPLES = (
    Sample(
        name="alarm through SNS",
        given={**_ENVELOPE, "Message": _ALARM % "ALARM"},
        expect=[{"name": "HighCPU", "status": "firing", "severity": "critical"}],
    ),
    Sample(
        name="ok through SNS",
        given={**_ENVELOPE, "Message": _ALARM % "OK"},
        expect=[{"status": "resolved", "severity": None, "ended_at": "2026-03-02T09:24:38.472Z"}],
    ),
    Sample(
        name="not an alarm",
        given={**_ENVELOPE, "Subject": "Disk full", "Message": "on a legacy host"},
        expect=[{"name": "Disk full", "status": "firing", "severity": "warning"}],
    ),
    Sample(
        name="subscription",
        given={**_ENVELOPE, "Type": "SubscriptionConfirmation", "SubscribeURL": _CONFIRM, "Token": "0123"},
        expect=[],
    ),
    Sample(
        name="EventBridge",
        given={"detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch", "region": "eu-west-1",
               "account": "123456789012", "resources": ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:HighCPU"],
               "time": "2026-03-02T09:24:38Z",
               "detail": {"alarmName": "HighCPU", "state": {"value": "INSUFFICIENT_DATA"}}},
        expect=[{"name": "HighCPU", "status": "firing", "severity": "warning"}],
    ),
)  # fmt: skip

PLUGIN = Driver(
    label="AWS CloudWatch",
    specificity=100,
    detects=detects,
    parse=parse,
    certificate=CertificateCheck(url=_sns.signing_certificate_url, verify=_sns.verify_sns),
    samples=SAMPLES,
    setup=(
        "SNS → Topics → Create subscription, protocol HTTPS. SNS cannot send our header, so put the key into the "
        "address as a password: https://key:{api_key}@… in {webhook_url}. The subscription confirms itself."
    ),
)
