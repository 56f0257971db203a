"""What the words of an incident point at: kinds, programs, ports, paths and hosts."""

import time

import pytest

from app.intelligence.local.words import Endpoint, kind_of, read
from app.intelligence.types import AlertFacts, CheckFacts, Evidence, RecommendationType as Kind, Subject


def evidence(
    title: str = "", description: str = "", labels: dict[str, str] | None = None, *checks: CheckFacts
) -> Evidence:
    alert = AlertFacts(name="", status="firing", severity="critical", labels=labels or {})
    return Evidence(Subject(1, title, "critical", "triggered", description, alerts=(alert,), checks=checks))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("HostOutOfMemory", Kind.MEMORY),
        ("swap space is used up", Kind.MEMORY),
        ("Java heap space", Kind.MEMORY),
        ("DiskAlmostFull on /var", Kind.DISK),
        ("No space left on device", Kind.DISK),
        ("node_filesystem_files_free: inode usage", Kind.DISK),
        ("High CPU load", Kind.CPU),
        ("load balancer does not answer", Kind.NETWORK),
        ("upstream timed out", Kind.NETWORK),
        ("nginx is not running", Kind.PROCESS),
        ("Certificate expires", None),
        ("", None),
        ("memory disk", None),
    ],
)
def test_words_speak_of_a_kind_or_of_none(text: str, kind: Kind | None) -> None:
    assert kind_of(text) is kind


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("process nginx does not answer", ("nginx",)),
        ("nginx.service entered failed state", ("nginx",)),
        ("«ledger-sync» is not running", ("ledger-sync",)),
        ("redis-server has crashed", ("redis-server",)),
        ("the process is not running", ()),
        ("service down", ()),
        ("the site is down", ()),
        ("process; rm -rf / is not running", ()),
    ],
)
def test_programs_are_taken_from_where_programs_stand(text: str, programs: tuple[str, ...]) -> None:
    assert read(evidence(description=text)).programs == programs


def test_programs_also_come_from_labels_and_from_checks() -> None:
    found = CheckFacts(
        "process", "critical", metrics={"processes": {"cron": {"running": False}, "sshd": {"running": True}}}
    )
    assert read(evidence("", "", {"process": "etcd", "Unit": "chrony.service"}, found)).programs == (
        "etcd", "chrony", "cron",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("connection to 127.0.0.1:8080 refused", Endpoint("127.0.0.1", 8080)),
        ("http://web-01:9090/metrics is gone", Endpoint("web-01", 9090)),
        ("http://[::1]:9090/ is gone", Endpoint("::1", 9090)),
        ("port 5432 does not answer", Endpoint("", 5432)),
        ("Port: 22", Endpoint("", 22)),
    ],
)
def test_ports_are_read_with_their_host(text: str, endpoint: Endpoint) -> None:
    assert read(evidence(description=text)).endpoints == (endpoint,)


@pytest.mark.parametrize(
    "text", ["at 12:30 it began", "ratio 3:1", "2026-01-02T10:20:30Z", "host:99999", "host:0", "a::b"]
)
def test_times_and_ratios_are_no_ports(text: str) -> None:
    assert read(evidence(description=text)).endpoints == ()


def test_paths_and_hosts_are_read() -> None:
    hints = read(evidence("Disk full on db-02", "/var/lib/data is full, / too", {"instance": "db-02.example.com:9100"}))
    assert hints.paths == ("/var/lib/data", "/")
    assert hints.hosts == ("db-02.example.com", "db-02")
    assert read(evidence("errors on sda1 on eth0 on Monday on call")).hosts == ()


def test_many_alerts_that_say_much_hold_nobody_up() -> None:
    said = {f"note{number}": "a." * 2000 for number in range(200)}
    alert = AlertFacts("a." * 250, "firing", "critical", "a." * 8000, labels=said, annotations=said)
    begun = time.process_time()
    hints = read(Evidence(Subject(1, "No space left on /var", "critical", "triggered", "", alerts=(alert,) * 50)))
    assert time.process_time() - begun < 0.3
    assert (hints.kind, hints.paths[0]) == (Kind.DISK, "/var")


def test_a_mebibyte_of_junk_is_read_in_no_time() -> None:
    begun = time.process_time()
    for junk in ("a" * 2**20, "/" * 2**20, "1:" * 2**19, "process " * 2**17, ("a." * 2**19), "«" * 2**20, "[:" * 2**19):
        read(evidence(junk, junk, {"host": junk, "instance": junk, "process": junk}))
    assert time.process_time() - begun < 1
