"""More than one worker in one invocation is refused with a sentence."""

import pytest

from app.platform.errors import StartRefused
from app.platform.settings import Settings
from app.platform.workers import refuse_many_workers

ONE = Settings(pagerpal_env="test")


@pytest.mark.parametrize(
    "argv",
    [
        ["/usr/bin/uvicorn", "app.main:app", "--workers", "2"],
        ["uvicorn", "--workers=4", "app.main:app"],
        ["gunicorn", "-w", "3", "-k", "uvicorn.workers.UvicornWorker", "app.main:app"],
        ["/site-packages/uvicorn/__main__.py", "app.main:app", "--workers", "2"],
    ],
)
def test_a_command_line_with_several_workers_is_refused(argv: list[str]) -> None:
    with pytest.raises(StartRefused, match="several processes on one PostgreSQL"):
        refuse_many_workers(ONE, argv)


def test_web_concurrency_is_refused_too() -> None:
    with pytest.raises(StartRefused, match="WEB_CONCURRENCY"):
        refuse_many_workers(Settings(pagerpal_env="test", web_concurrency=2), ["uvicorn", "app.main:app"])


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["uvicorn", "app.main:app"],
        ["uvicorn", "app.main:app", "--workers", "1"],
        ["uvicorn", "app.main:app", "--workers"],
        ["pytest", "--workers", "4"],
    ],
)
def test_one_worker_is_fine(argv: list[str]) -> None:
    refuse_many_workers(ONE, argv)
