"""Recorded readings of machines and what is made of them: what was seen outranks what was said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.intelligence.local import judging, words
from app.intelligence.local.judging import Grounds, Verdict
from app.intelligence.local.machine import (
    Cpu,
    Group,
    Interface,
    Knock,
    Listener,
    Machine,
    Memory,
    Mount,
    Part,
    PortFound,
    Process,
    Processes,
    Sockets,
    Unseen,
)
from app.intelligence.types import CheckFacts, Evidence, PastIncident, RecommendationType as Kind, Subject

GIBIBYTE = 1024**3
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WELL = Machine(
    hostname="web-01",
    names=frozenset({"web-01", "192.0.2.7"}),
    memory=Memory(total_bytes=16 * GIBIBYTE, available_bytes=9 * GIBIBYTE, stalled_percent=0.0),
    cpu=Cpu(cores=4, busy_percent=12.0, load_1=0.4, stalled_percent=1.0),
    mounts=(Mount("/", "ext4", 100 * GIBIBYTE, 60 * GIBIBYTE, 40.0, 9.0),),
    processes=Processes(count=120, files_percent=1.0, pids_percent=2.0),
    sockets=Sockets(),
)
FULL = Mount("/srv/spool", "tmpfs", GIBIBYTE, 0, 100.0, 3.0)
NO_INODES = Mount("/srv/spool", "tmpfs", GIBIBYTE, GIBIBYTE // 2, 50.0, 100.0)
STOPPED = Process(pid=4711, name="ledger-sync", state="T")
BUSY = Cpu(cores=4, busy_percent=99.0, load_1=14.0, stalled_percent=70.0)
SHORT = Memory(total_bytes=16 * GIBIBYTE, available_bytes=GIBIBYTE // 4, stalled_percent=22.0)


def incident(title: str = "Something is wrong", description: str = "", **fields: Any) -> Evidence:
    subject = Subject(7, title, "critical", "triggered", description, **fields)
    return Evidence(subject)


def judged(evidence: Evidence, **seen: Any) -> Verdict:
    return judging.judge(evidence, words.read(evidence), replace(WELL, **seen))


def processes(*stopped: Process, **seen: Any) -> Processes:
    return Processes(count=120, stopped=stopped, **seen)


FAULTS: dict[str, tuple[Kind, dict[str, Any]]] = {
    "no space": (Kind.DISK, {"mounts": (*WELL.mounts, FULL)}),
    "no inodes": (Kind.DISK, {"mounts": (*WELL.mounts, NO_INODES)}),
    "a dead file server": (Kind.DISK, {"silent_mounts": ("/mnt/share",)}),
    "slow disks": (Kind.DISK, {"cpu": Cpu(cores=4, busy_percent=20.0, iowait_percent=55.0, io_stalled_percent=80.0)}),
    "no memory": (Kind.MEMORY, {"memory": SHORT}),
    "a full container": (
        Kind.MEMORY,
        {"memory": replace(WELL.memory, groups=(Group("/app", 99, 100),))},  # type: ignore[type-var]
    ),
    "swapping": (Kind.MEMORY, {"memory": replace(WELL.memory, swapped_pages_per_second=9000.0)}),  # type: ignore[type-var]
    "busy processors": (Kind.CPU, {"cpu": BUSY}),
    "stolen processors": (Kind.CPU, {"cpu": Cpu(cores=4, busy_percent=50.0, steal_percent=40.0)}),
    "a stopped process": (Kind.PROCESS, {"processes": processes(STOPPED)}),
    "no file handles": (Kind.PROCESS, {"processes": processes(files_percent=99.5)}),
    "no pids": (Kind.PROCESS, {"processes": processes(pids_percent=99.0)}),
    "a stuck port": (Kind.NETWORK, {"sockets": Sockets(stuck=(Listener("127.0.0.1", 8080, 12),))}),
    "a silent port": (Kind.NETWORK, {"ports": (PortFound("127.0.0.1", 8080, Knock.SILENT),)}),
    "a closed port": (Kind.NETWORK, {"ports": (PortFound("127.0.0.1", 8080, Knock.REFUSED),)}),
    "others that do not answer": (Kind.NETWORK, {"sockets": Sockets(unanswered=("192.0.2.9:5432",) * 12)}),
    "no carrier": (Kind.NETWORK, {"interfaces": (Interface("eth0", is_down=True),)}),
    "no name server": (Kind.NETWORK, {"silent_name_servers": ("192.0.2.53",)}),
    "a full table": (Kind.NETWORK, {"sockets": Sockets(tracked_percent=99.9)}),
}  # fmt: skip
SAID = {
    Kind.MEMORY: "memory is used up",
    Kind.DISK: "the disk is full",
    Kind.CPU: "cpu load is high",
    Kind.PROCESS: "the daemon crashed",
    Kind.NETWORK: "packets are lost",
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_what_was_seen_decides_whatever_the_words_say(name: str) -> None:
    kind, seen = FAULTS[name]
    vague = judged(incident(), **seen)
    right = judged(incident(SAID[kind]), **seen)
    assert vague.kind is right.kind is kind
    assert right.confidence > vague.confidence >= 0.4
    for other, said in SAID.items():
        if other is not kind:
            misled = judged(incident(said), **seen)
            assert misled.kind is kind, said
            assert misled.confidence < vague.confidence
            assert any(f"more of {other.value}, which does not show" in reason for reason in misled.reasons)


@pytest.mark.parametrize("kind", list(SAID))
def test_where_nothing_shows_the_words_decide_and_are_not_trusted_much(kind: Kind) -> None:
    verdict = judged(incident(SAID[kind]))
    assert verdict.kind is kind
    assert (verdict.confidence <= 0.4, verdict.grounds) == (True, Grounds.SAID)
    assert "nothing that was measured stands out" in verdict.reasons


def test_a_well_machine_and_vague_words_say_nothing_and_admit_it() -> None:
    verdict = judged(incident())
    assert (verdict.kind, verdict.signs) == (Kind.GENERAL, ())
    assert verdict.confidence <= 0.15


def test_an_incident_of_another_host_is_not_explained_by_this_one() -> None:
    verdict = judged(incident("DiskFull on db-02", "the filesystem is full"), memory=SHORT, cpu=BUSY)
    assert (verdict.kind, verdict.elsewhere) == (Kind.DISK, "db-02")
    assert verdict.confidence <= judging.SURE_ELSEWHERE
    assert "db-02" in verdict.reasons[0]
    for ours in ("web-01", "web-01.example.com", "192.0.2.7", "localhost"):
        assert judged(incident(f"Trouble on {ours}"), memory=SHORT).elsewhere == ""


def test_what_shows_here_says_nothing_of_a_host_that_is_named_without_more() -> None:
    verdict = judged(incident("Trouble on db-02"), memory=SHORT)
    assert (verdict.kind, verdict.grounds) == (Kind.GENERAL, Grounds.NONE)
    assert verdict.signs, "it is kept, for whoever wants to know"


def test_two_kinds_that_show_alike_make_it_less_sure() -> None:
    alone = judged(incident(), memory=SHORT)
    both = judged(incident(), memory=SHORT, mounts=(FULL,))
    assert both.confidence < alone.confidence
    assert any("shows trouble as well" in reason for reason in both.reasons)
    assert {sign.kind for sign in both.signs} == {Kind.MEMORY, Kind.DISK}


def test_what_was_not_looked_at_is_named_and_costs_confidence() -> None:
    blind = judged(incident(), memory=SHORT, unseen=(Unseen(Part.DISKS, "no answer within 1 s"),))
    assert blind.confidence < judged(incident(), memory=SHORT).confidence
    assert "not looked at: disks (no answer within 1 s)" in blind.reasons


def test_a_program_that_is_named_is_looked_for() -> None:
    told = incident("ledger-sync is not running")
    assert judged(told, processes=processes(named={"ledger-sync": (STOPPED,)})).confidence >= 0.9
    gone = judged(told, processes=processes(named={"ledger-sync": ()}, installed=frozenset({"ledger-sync"})))
    unknown = judged(told, processes=processes(named={"ledger-sync": ()}))
    assert gone.kind is unknown.kind is Kind.PROCESS
    assert gone.confidence > unknown.confidence
    runs = judged(told, processes=processes(named={"ledger-sync": (replace(STOPPED, state="S"),)}))
    assert runs.signs == ()


def test_a_process_that_somebody_stopped_at_a_terminal_is_theirs() -> None:
    assert judged(incident(), processes=processes(replace(STOPPED, has_terminal=True))).confidence < 0.4


def test_a_port_that_nobody_serves_because_its_process_is_stopped_is_about_the_process() -> None:
    stuck = Sockets(stuck=(Listener("127.0.0.1", 8080, 3, owner=STOPPED),))
    verdict = judged(incident("connections time out"), sockets=stuck)
    assert verdict.kind is Kind.PROCESS
    assert "because ledger-sync (pid 4711) is stopped" in verdict.signs[0].text


def test_much_free_space_on_a_large_disk_is_no_trouble_yet() -> None:
    large = Mount("/data", "xfs", 2000 * GIBIBYTE, 120 * GIBIBYTE, 94.0, 1.0)
    assert judged(incident(), mounts=(large,)).confidence < 0.4


@pytest.mark.parametrize(("checker", "kind"), [("disk", Kind.DISK), ("network", Kind.NETWORK), ("cpu", Kind.CPU)])
def test_bad_checks_are_evidence(checker: str, kind: Kind) -> None:
    checks = (CheckFacts(checker, "critical", "it is bad, password=hunter2"), CheckFacts("memory", "ok", "well"))
    verdict = judged(incident(checks=checks))
    assert verdict.kind is kind
    assert verdict.signs[0].text == f"check {checker} is critical: it is bad, password=***"


def test_how_incidents_like_this_one_ended_tips_the_scales() -> None:
    past = PastIncident(3, 3, "Slow", "critical", NOW, NOW + timedelta(hours=1), "the disk was full", 0.9)
    evidence = replace(incident(), past=(past,))
    verdict = judging.judge(evidence, words.read(evidence), WELL)
    assert (verdict.kind, verdict.grounds) == (Kind.DISK, Grounds.PAST)
    assert verdict.confidence < 0.4
    assert "incidents like this one were of this kind before" in verdict.reasons


@pytest.mark.parametrize("percent", [79.9, 80.0, 88.0, 93.0, 97.0, 99.0, 100.0])
def test_more_of_the_same_never_makes_it_less_sure(percent: float) -> None:
    def sure(used: float) -> float:
        return judged(incident(), mounts=(replace(FULL, used_percent=used),)).confidence

    assert sure(percent) >= sure(percent - 3)
