"""What every alarm module promises, tested for every file in the folder from its own samples."""

import base64
import json
from collections import deque
from datetime import UTC, datetime

import pytest

from app.alarms import kinds, rules
from app.alarms.client import Client
from app.alarms.modules._base import AlarmModule, FetchError, Sample
from app.platform.types import JsonObject

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MODULES = kinds.built_in()
SAMPLES = [pytest.param(name, each, id=f"{name}: {each.name}") for name in MODULES for each in MODULES[name].samples]
ASKING = [name for name in MODULES if any(sample.answers for sample in MODULES[name].samples)]


def client_of(sample: Sample, *, is_down: bool = False) -> Client:
    """A client whose answers are the sample's, in order."""
    left = deque(sample.answers)

    def ask(question: JsonObject) -> JsonObject:
        if is_down:
            return {"error": "no connection", "permanent": True}
        answer = left.popleft()
        if question["kind"] != "http" or "error" in answer:
            return answer
        body = base64.b64encode(json.dumps(answer).encode()).decode()
        return {"status": 200, "headers": {}, "body": body, "elapsed_ms": 1.0}

    return Client(ask, now=NOW, facts=sample.facts, api_base_url="https://panda.example.com")


def keys_of(module: AlarmModule, name: str, sample: Sample) -> list[str]:
    """The entities that a sample detects."""
    params, errors = rules.checked_params(kinds.describe_built_in(name).params, sample.params)
    assert errors == []
    return [detection.dedupe_key for detection in module.detect(client_of(sample), params)]


def test_there_are_the_two_of_the_seed_and_ours() -> None:
    assert list(MODULES) == [
        "certificate_expiry", "delivery_failures", "heartbeat_missed", "http_probe", "panda_failure_rate_eic_all",
        "panda_failure_rate_user", "prometheus_query", "source_silent", "sql_query",
    ]  # fmt: skip


@pytest.mark.parametrize("name", list(MODULES))
def test_a_module_describes_itself(name: str) -> None:
    module = MODULES[name]
    assert module.label
    assert module.setup
    assert module.samples
    for param in kinds.describe_built_in(name).params:
        assert param.description, f"{param.name} has no help"
        assert param.required or param.default is not None, f"{param.name} has no default"


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_a_sample_detects_what_it_says_with_the_same_keys_each_time(name: str, sample: Sample) -> None:
    module = MODULES[name]
    assert keys_of(module, name, sample) == list(sample.expect) == keys_of(module, name, sample)


@pytest.mark.parametrize("name", ASKING)
def test_a_module_that_gets_no_answer_says_so_and_yields_nothing(name: str) -> None:
    sample = MODULES[name].samples[0]
    params, _ = rules.checked_params(kinds.describe_built_in(name).params, sample.params)
    with pytest.raises(FetchError, match="no connection"):
        list(MODULES[name].detect(client_of(sample, is_down=True), params))


@pytest.mark.parametrize("count", [1, 2, 5, 40, 90])
def test_however_many_addresses_hang_all_of_them_fire_within_the_minute_of_a_run(count: int) -> None:
    waited: list[float] = []

    def hang(question: JsonObject) -> JsonObject:
        waited.append(question["timeout_seconds"])
        return {"error": "no answer", "permanent": False, "elapsed_ms": waited[-1] * 1000}

    urls = [f"https://{number}.example.com/" for number in range(count)]
    params, _ = rules.checked_params(kinds.describe_built_in("http_probe").params, {"urls": urls})
    client = Client(hang, now=NOW, facts={})
    found = [detection.dedupe_key for detection in MODULES["http_probe"].detect(client, params)]
    assert found == [f"url:{url}" for url in urls]
    assert sum(waited) <= 50 + 1e-6
    assert min(waited) > 0.2
    assert waited[0] == 10


def test_addresses_that_are_refused_at_once_take_no_time_from_the_others() -> None:
    waited: list[float] = []

    def refuse(question: JsonObject) -> JsonObject:
        waited.append(question["timeout_seconds"])
        return {"error": "connection refused", "permanent": False, "elapsed_ms": 1.0}

    urls = [f"https://{number}.example.com/" for number in range(30)]
    params, _ = rules.checked_params(kinds.describe_built_in("http_probe").params, {"urls": urls})
    assert len(list(MODULES["http_probe"].detect(Client(refuse, now=NOW, facts={}), params))) == 30
    assert waited == [10.0] * 60


GOOD: JsonObject = {
    "subject": "CN=x", "issuer": "CN=y", "fault": "",
    "not_before": "2026-01-01T00:00:00+00:00", "not_after": "2026-03-04T09:00:00+00:00",
}  # fmt: skip


def test_a_server_that_cannot_be_reached_says_nothing_of_itself_and_the_others_are_judged() -> None:
    answers: deque[JsonObject] = deque([GOOD, {"error": "no answer within 10 s", "permanent": False}, GOOD])
    client = Client(lambda _: answers.popleft(), now=NOW, facts={})
    specs = kinds.describe_built_in("certificate_expiry").params
    params, _ = rules.checked_params(specs, {"hosts": ["a.example.com", "b.example.com:465", "c.example.com"]})
    found = [detection.dedupe_key for detection in MODULES["certificate_expiry"].detect(client, params)]
    assert found == ["host:a.example.com:443", "host:c.example.com:443"]
    assert client.not_known == ["host:b.example.com:465"]
    assert client.warnings == ["b.example.com:465 was not reached, so it stays as it was: no answer within 10 s"]
    assert not client.is_cut


def test_an_address_that_may_not_be_asked_says_nothing_of_the_others() -> None:
    def answer(question: JsonObject) -> JsonObject:
        is_inside = "inside" in question["url"]
        return {"error": "it lies in no network that may be called" if is_inside else "refused", "permanent": is_inside}

    client = Client(answer, now=NOW, facts={})
    urls = ["https://inside.example.com/", "https://www.example.com/"]
    params, _ = rules.checked_params(kinds.describe_built_in("http_probe").params, {"urls": urls})
    found = [detection.dedupe_key for detection in MODULES["http_probe"].detect(client, params)]
    assert (found, client.not_known) == (["url:https://www.example.com/"], ["url:https://inside.example.com/"])
    assert "inside.example.com/ cannot be asked" in client.warnings[0]


@pytest.mark.parametrize("count", [2, 9, 60])
def test_however_many_servers_hang_the_last_is_reached_within_the_minute_of_a_run(count: int) -> None:
    waited: list[float] = []

    def hang(question: JsonObject) -> JsonObject:
        waited.append(question["timeout_seconds"])
        if len(waited) == count:
            return GOOD
        return {"error": "no answer", "permanent": False, "elapsed_ms": waited[-1] * 1000}

    specs = kinds.describe_built_in("certificate_expiry").params
    params, _ = rules.checked_params(specs, {"hosts": [f"{number}.example.com" for number in range(count)]})
    client = Client(hang, now=NOW, facts={})
    (found,) = MODULES["certificate_expiry"].detect(client, params)
    assert found.dedupe_key == f"host:{count - 1}.example.com:443"
    assert len(client.not_known) == count - 1
    assert sum(waited) <= 50 + 1e-6
    assert min(waited) > 0.2


def test_a_task_without_a_final_rate_is_judged_by_all_failures_and_that_is_said() -> None:
    (sample,) = MODULES["panda_failure_rate_user"].samples
    client = client_of(sample)
    params, _ = rules.checked_params(kinds.describe_built_in("panda_failure_rate_user").params, sample.params)
    (detection,) = MODULES["panda_failure_rate_user"].detect(client, params)
    assert "failure rate (all failures) 0.9" in detection.subject
    assert client.warnings == ["1 tasks have no computed_finalfailurerate: judged by the rate of all failures"]


@pytest.mark.parametrize(
    ("name", "param", "there", "expect"),
    [("heartbeat_missed", "heartbeats", "backup", "heartbeat:1"), ("source_silent", "sources", "prod", "source:1")],
)
def test_a_name_that_there_is_not_fires_by_itself_and_hides_none_of_the_others(
    name: str, param: str, there: str, expect: str
) -> None:
    (sample,) = MODULES[name].samples
    specs = kinds.describe_built_in(name).params
    params, _ = rules.checked_params(specs, {**sample.params, param: [there, "gone"]})
    found = [detection.dedupe_key for detection in MODULES[name].detect(client_of(sample), params)]
    assert found == ["missing:gone", expect]
    params, _ = rules.checked_params(specs, {**sample.params, param: ["gone"]})
    with pytest.raises(FetchError, match=r"there is no .* gone"):
        list(MODULES[name].detect(client_of(sample), params))


@pytest.mark.parametrize(
    ("owners", "told"),
    [({}, ()), ({"other": "x@example.com"}, ()), ({"someone": "a@example.com, @sim"}, ("a@example.com", "@sim"))],
)
def test_a_task_is_told_to_its_owner_where_the_alarm_knows_one(owners: JsonObject, told: tuple[str, ...]) -> None:
    (sample,) = MODULES["panda_failure_rate_user"].samples
    specs = kinds.describe_built_in("panda_failure_rate_user").params
    params, errors = rules.checked_params(specs, {**sample.params, "owners": owners})
    assert errors == []
    (detection,) = MODULES["panda_failure_rate_user"].detect(client_of(sample), params)
    assert detection.recipients == told


@pytest.mark.parametrize("name", list(MODULES))
def test_a_parameter_that_is_wrong_is_named(name: str) -> None:
    specs = kinds.describe_built_in(name).params
    _, errors = rules.checked_params(specs, {"surprise": 1, **{spec.name: object() for spec in specs}})
    assert {error.path for error in errors} == {"params.surprise", *(f"params.{spec.name}" for spec in specs)}
