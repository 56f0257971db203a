"""What a starting process prints: the set-up code until there is an admin, the first key once."""

import re
from dataclasses import replace

from app.platform.runtime import Runtime
from app.usecases import people
from app.web.greeting import greeting

URL = "http://127.0.0.1:8000"
CODE = re.compile(r"/login with this set-up code: (\S+)")


def test_the_key_is_shown_once_and_the_set_up_code_until_there_is_an_admin(rt: Runtime) -> None:
    first, second = greeting(rt, URL), greeting(rt, URL)
    assert first.count("X-API-Key: ") == 1
    assert "X-API-Key" not in second
    assert CODE.findall(first) == CODE.findall(second) != []
    people.create_admin(
        rt, email="ada@example.com", name="Ada", password="a-long-enough-passphrase", now=rt.clock.now()
    )
    assert greeting(rt, URL) == f"PagerPal 0.1.0 answers at {URL}\n"


def test_safe_mode_is_told(rt: Runtime) -> None:
    safe = replace(rt, settings=rt.settings.model_copy(update={"notification_sending_enabled": False}))
    assert greeting(safe, URL).endswith("Safe mode: messages are written down and not sent.\n")


def test_a_standby_says_that_it_is_one(rt: Runtime) -> None:
    rt.db.standby = True
    assert "standby" in greeting(rt, URL)
