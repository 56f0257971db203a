"""The scripts of a page share one scope: a name that two of them give would be the later one's for both."""

import re
from collections import Counter
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "static" / "js"
# The service worker has a scope of its own.
ALONE = {"sw.js"}
NAMED = re.compile(r"^(?:async )?(?:function\*?|const|let|var|class)\s+(\w+)", re.MULTILINE)


def test_no_two_scripts_give_the_same_name() -> None:
    scripts = [path for path in SCRIPTS.glob("*.js") if path.name not in ALONE]
    names = Counter(name for path in scripts for name in set(NAMED.findall(path.read_text(encoding="utf-8"))))
    assert [name for name, times in names.items() if times > 1] == []
    assert len(names) > 20
