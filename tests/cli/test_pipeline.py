"""`pagerpal pipeline`: the chain that a dry run prints, a run to its end, and its trace."""

from tests.cli.conftest import Run


def test_dry_run_prints_the_chain_and_leaves_nothing(run: Run) -> None:
    done = run("pipeline", "run", "full", "--sample", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "full: ingest → check → analyze → notify",
        "alert    Sample: disk almost full",
    ]
    assert run("pipeline", "trace", "0" * 32).returncode == 1


def test_run_goes_to_its_end_and_can_be_traced(run: Run) -> None:
    done = run("pipeline", "run", "direct", "--sample")
    assert done.returncode == 0, done.stderr
    chain, ran, *stages, status = done.stdout.splitlines()
    assert chain == "direct: ingest → notify"
    assert [line.split()[:2] for line in stages] == [
        ["SUCCEEDED", "ingest"], ["SKIPPED", "check"], ["SKIPPED", "analyze"], ["SKIPPED", "notify"]
    ]  # fmt: skip
    assert status == "SKIPPED"
    assert run("pipeline", "trace", ran.split()[1]).stdout.splitlines() == [ran, *stages, status]
    refused = run("pipeline", "resume", ran.split()[1])
    assert (refused.returncode, refused.stderr.strip()) == (1, "This run is SKIPPED; only a FAILED one can be resumed.")


def test_unknown_pipeline_is_named(run: Run) -> None:
    done = run("pipeline", "run", "nothing")
    assert done.returncode == 1
    assert "«nothing»" in done.stderr
