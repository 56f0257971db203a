"""Documentation keeps up: every path and driver is named in it, and what it names exists."""

import json
import re
from pathlib import Path

import pytest

from app.alerts.detection import detect, drivers
from app.alerts.drivers._base import Headers
from app.tables import metadata
from app.web.routes import ROUTES
from app.web.routing import Door
from tests.contracts.source import ROOT

DOCS = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
PARAMETER = re.compile(r"\{[a-z_]+\}")
LINK = re.compile(r"\]\(([^)#:\s]+)\)")
# Paths in running text: `app/web/routes.py`, `docs/deploy.md`, `scripts/up`, `tests/kill`.
PATH = re.compile(r"`((?:app|docs|scripts|tests|migrations)/[\w./-]+|\.ci/run|[\w-]+\.(?:md|toml|json|lock))`")
CURL = re.compile(r"^curl [^\n]*/alerts/webhook/(?P<driver>\w+)/[^\n]* -d '\n(?P<body>\{[^']*\})'", re.MULTILINE)
# Named because they are made on the machine, never in the repository.
MADE_LATER = {"static/vendor", "package.json"}

NAMES = [entry.name for entry in drivers()]
PATHS = {PARAMETER.sub("{id}", route.path) for route in ROUTES if route.door is not Door.UI}


def test_api_guide_names_every_path() -> None:
    guide = PARAMETER.sub("{id}", (ROOT / "docs" / "api.md").read_text())
    named = set(re.findall(r"(?<![\w/])/[\w/{}.-]*[\w}]", guide))
    assert sorted(PATHS - named) == []


def test_api_guide_names_no_path_that_does_not_exist() -> None:
    guide = PARAMETER.sub("{id}", (ROOT / "docs" / "api.md").read_text())
    named = set(re.findall(r"/api/v1/[\w/{}.-]*[\w}]", guide))
    assert sorted(named - PATHS) == []


def test_readme_sets_up_every_driver() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in NAMES if f"/alerts/webhook/{name}/" not in readme] == []


@pytest.mark.parametrize("name", NAMES)
def test_call_in_the_readme_is_what_its_driver_reads(name: str) -> None:
    calls = {match["driver"]: match["body"] for match in CURL.finditer((ROOT / "README.md").read_text())}
    assert detect(json.loads(calls[name]), Headers()).name == name


def test_operator_guide_says_of_every_table_how_long_it_is_kept() -> None:
    guide = (ROOT / "docs" / "operator-guide.md").read_text()
    section = guide.partition("## What is kept how long\n")[2].partition("\n## ")[0]
    told = [
        name
        for line in section.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([a-z_]+)`", line.split("|")[1])
    ]
    assert sorted(told) == sorted(metadata.tables)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_points_at_exists(path: Path) -> None:
    text = path.read_text()
    links = [target for target in LINK.findall(text) if not (path.parent / target).exists()]
    named = [name for name in PATH.findall(text) if "…" not in name and not (ROOT / name).exists()]
    assert links + [name for name in named if name not in MADE_LATER] == []
