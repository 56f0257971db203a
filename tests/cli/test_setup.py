"""`pagerpal setup`: by options and by questions, to a test that went through or says why it did not."""

from tests.cli.conftest import Done, Run
from tests.support.http_server import HttpServer

PASSWORD = "a-long-enough-passphrase\n"


def outcomes(done: Done) -> dict[str, str]:
    """How each line of the test came out, by its title."""
    lines = (line.split(None, 1) for line in done.stdout.splitlines())
    return {words[1].split(":")[0]: words[0] for words in lines if words and words[0] in ("ok", "wait", "-", "fail")}


def test_options_make_everything_and_the_test_says_what_did_not_work(run: Run, http_server: HttpServer) -> None:
    run("create-admin", "--email", "ada@acme.net", "--name", "Ada", "--password-stdin", given=PASSWORD)
    options = ("setup", "--preset", "direct", "--source", "grafana-prod", "--driver", "grafana", "--channel", "ops",
               "--channel-driver", "webhook", "--channel-config-stdin")  # fmt: skip
    config = f'{{"endpoint": "{http_server.url}/ops"}}\n'

    done = run(*options, given=config, OUTBOUND_ALLOWED_NETWORKS="127.0.0.0/8")

    assert done.stdout.startswith("source   grafana-prod, with the policy «Page Ada»\naddress  http"), done.stderr
    assert "Contact points" in done.stdout
    assert "pipeline direct\nteam     ops\n" in done.stdout
    assert outcomes(done) == {
        "Alert received": "ok", "Incident #1 opened": "ok", "Page to Ada, by email": "fail",
        "Message to the team, by ops": "ok",
    }  # fmt: skip
    assert "Set SMTP_HOST and SMTP_FROM in .env" in done.stdout
    assert done.returncode == 1

    again = run(*options, given=config)
    assert (again.returncode, "already; nothing was changed" in again.stderr) == (1, True)


def test_questions_lead_to_the_same(run: Run) -> None:
    run("create-admin", "--email", "ada@acme.net", "--name", "Ada", "--password-stdin", given=PASSWORD)
    answers = "9\n3\nscripts\n\n\n\nno\n"

    done = run("setup", "--ask", given=answers)

    assert done.returncode == 0, done.stderr
    assert "3  Forward alerts to notifications (direct)" in done.stdout
    assert "source   scripts, with the policy «Page Ada»" in done.stdout
    assert "team     nobody is told for now" in done.stdout


def test_without_a_terminal_options_are_needed_and_an_admin(run: Run) -> None:
    assert run("setup").returncode == 2
    without = run("setup", "--preset", "direct", "--source", "x")
    assert (without.returncode, "create-admin" in without.stderr) == (1, True)
