"""A verdict in words: what is first, why, what to do; what others wrote is quoted and never more than text."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.intelligence.local import advice, judging, telling, words
from app.intelligence.local.machine import Cpu, File, Files, Machine, Memory, Mount, Process, Processes
from app.intelligence.local.signs import Cause, Sign
from app.intelligence.types import (
    Analysis,
    Evidence,
    PastIncident,
    RecommendationPriority as Priority,
    RecommendationType as Kind,
    SeverityChange,
    Subject,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MIB = 1024**2
FULL = Mount("/srv/my spool", "tmpfs", 16 * MIB, 0, 100.0, 3.0)
JAVA = Process(pid=9, name="java", state="S", rss_bytes=700 * MIB, cpu_percent=180.0, command="java -jar app.jar")
MACHINE = Machine(
    hostname="web-01",
    memory=Memory(total_bytes=1000 * MIB, available_bytes=20 * MIB),
    cpu=Cpu(cores=2, busy_percent=10.0),
    processes=Processes(count=50, by_memory=(JAVA,), by_cpu=(JAVA,)),
)
SUBJECT = Subject(7, "Something is wrong", "critical", "triggered")
ALONE = Evidence(SUBJECT)
PAST = PastIncident(31, 12, "SpoolFull", "critical", NOW, NOW + timedelta(minutes=25), "restarted ledger-sync", 0.9)


def told(machine: Machine, evidence: Evidence = ALONE) -> Analysis:
    return telling.tell(judging.judge(evidence, words.read(evidence), machine), evidence, machine)


def test_the_numbers_that_were_seen_are_told_and_the_first_steps_only_look() -> None:
    analysis = told(replace(MACHINE, memory=None, mounts=(FULL,)))
    first = analysis.recommendations[0]
    assert "/srv/my spool is 100 % full, 0 B free" in analysis.summary
    assert "sure: measured here: disk" in analysis.probable_cause
    assert (first.type, first.priority, first.incident_id) == (Kind.DISK, Priority.CRITICAL, 7)
    assert first.actions[0] == "df -h '/srv/my spool'"
    assert first.details["why"] == ["measured here: disk"]
    assert first.details["confidence"] == analysis.confidence


def test_who_holds_the_memory_is_named_with_what_it_runs() -> None:
    first = told(MACHINE).recommendations[0]
    assert (first.type, first.title) == (Kind.MEMORY, "See who holds the memory")
    assert "Most is held by java (pid 9) 700 MiB." in first.description
    assert first.details["top_processes"][0]["command"] == "java -jar app.jar"


def test_files_that_fill_a_disk_are_named_also_those_that_are_deleted_and_held() -> None:
    files = Files(
        large=(File("/srv/my spool/a.log", 9 * MIB), File("/elsewhere/b", 9 * MIB)),
        deleted=(File("/srv/my spool/old.log", 5 * MIB, "java (pid 9)"),),
    )
    first = told(replace(MACHINE, memory=None, mounts=(FULL,), files=files)).recommendations[0]
    assert "Deleted files are still held open by java (pid 9) 5.0 MiB" in first.description
    assert "/srv/my spool/a.log (9.0 MiB)" in first.description
    assert "/elsewhere/b" not in str(first.to_dict())


def test_how_incidents_like_this_one_ended_comes_second_in_the_words_of_people() -> None:
    silent = replace(PAST, incident_id=30, number=11, resolution="", similarity=1.0, resolved_at=None)
    second = told(MACHINE, Evidence(SUBJECT, past=(silent, PAST))).recommendations[1]
    assert second.title == "See how 2 incidents like this one ended"
    assert second.description == (
        "#12 «SpoolFull» was resolved after 25 minutes: «restarted ledger-sync». "
        "#11 «SpoolFull» is over, nobody wrote how."
    )
    assert second.details["incident_ids"] == [31, 30]


def test_since_when_it_is_worse_is_told() -> None:
    changes = (
        SeverityChange(NOW, "SpoolFull", "warning", "critical"),
        SeverityChange(NOW + timedelta(minutes=5), "SpoolFull", "critical", "warning"),
    )
    summary = told(MACHINE, Evidence(SUBJECT, changes=changes)).summary
    assert summary.endswith("Worse since 09:00 UTC: SpoolFull went from warning to critical.")


def test_an_incident_of_another_host_says_so_first() -> None:
    subject = replace(SUBJECT, title="Disk full on db-02")
    analysis = told(replace(MACHINE, memory=None), Evidence(subject))
    assert analysis.summary == "This is about db-02, which cannot be looked at from here; the words point at a disk."
    assert analysis.recommendations[0].title == "Look at db-02 first"
    assert analysis.probable_cause.startswith("Not known. ")


def test_a_name_that_strangers_chose_is_only_text() -> None:
    nasty = "x\n\x1b[2J\u202e$(reboot)`id`;https://evil.example.com/a"
    mount = replace(FULL, path=f"/srv/{nasty}")
    stopped = Process(pid=3, name=nasty, state="T", command=nasty)
    processes = Processes(count=9, stopped=(stopped,), named={nasty: ()}, by_memory=(stopped,))
    past = replace(PAST, title=nasty, resolution=f"password=hunter2 {nasty}" * 50)
    analysis = told(
        replace(MACHINE, mounts=(mount,), processes=processes), Evidence(SUBJECT, past=(past,))
    )  # fmt: skip
    shown = f"{analysis.summary}{analysis.probable_cause}{[each.to_dict() for each in analysis.recommendations]}"
    for unseen in ("\\x1b", "\x1b", "\u202e", "https:", "hunter2", "\\n"):
        assert unseen not in shown
    assert all(len(each.description) <= 2000 and len(each.title) <= 200 for each in analysis.recommendations)
    for action in [action for each in analysis.recommendations for action in each.actions if "$(" in action]:
        assert "'" in action[: action.index("$(")], "a name stands in quotes"


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_title_and_steps(cause: Cause) -> None:
    sign = Sign(Kind.GENERAL, cause, 0.5, "It is so", "thing", {"port": 80})
    assert advice.title(sign)
    assert all(advice.steps(sign))
    assert all(advice.first_look(kind) for kind in Kind)
