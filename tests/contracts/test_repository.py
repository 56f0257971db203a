"""What may be in the repository: the product, nothing of a machine, a registry, or how the text came about."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from app.platform.errors import StartRefused
from app.platform.settings import Settings, load_settings
from tests.contracts.source import ROOT, tracked_files

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock", "requirements-node.lock")
RUNTIME_BUDGET = 60
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
# Written in pieces, or this file would hold what it looks for.
REGISTRIES = ("pypi" + ".org", "python" + "hosted", "registry" + ".npm", "npm" + "js.com", "index" + "-url")
NOT_THE_PRODUCT = (
    "sub" + "agent",
    "coding " + "assistant",
    "language " + "model wrote",
    "chat" + "gpt",
    "generated " + "by ai",
)
SETTING = re.compile(r"^#?([A-Z][A-Z0-9_]+)=", re.MULTILINE)


def texts() -> list[tuple[Path, str]]:
    """Every tracked text file with its content."""
    if not tracked_files():
        pytest.skip("not a git checkout")
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((path.relative_to(ROOT), content.decode("utf-8")))
    return found


def test_no_file_names_a_registry() -> None:
    assert _holding(REGISTRIES) == []


def test_package_lock_holds_integrity_and_no_address() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    installed = [entry for name, entry in packages.items() if name]
    assert installed
    assert all("integrity" in entry and "resolved" not in entry for entry in installed)


def test_no_file_names_this_machine() -> None:
    home = str(Path.home()).rstrip("/") + "/"
    folder = f"{ROOT}/"
    assert _holding(tuple(place for place in (home, folder) if place != "/")) == []


def test_every_text_is_about_the_product() -> None:
    assert _holding(NOT_THE_PRODUCT) == []


def test_lock_files_that_would_name_registries_are_ignored() -> None:
    for name in ("uv.lock", "pylock.toml", ".env", "static/vendor/htmx.min.js", "node_modules/x"):
        ignored = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", name], cwd=ROOT, check=False)
        if ignored.returncode == 128:
            pytest.skip("not a git checkout")
        assert ignored.returncode == 0, f"{name} is not ignored"


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_its_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(), flags=re.MULTILINE).strip())
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_runtime_lock_is_part_of_the_development_lock_and_within_its_budget() -> None:
    runtime = dict(PINNED.findall((ROOT / "requirements.lock").read_text()))
    development = dict(PINNED.findall((ROOT / "requirements-dev.lock").read_text()))
    assert runtime.items() <= development.items()
    assert len(runtime) <= RUNTIME_BUDGET


def test_locks_hold_every_direct_dependency() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    direct = re.findall(r'^  "([a-z0-9-]+)(?:\[[a-z]+\])?>=', project, re.MULTILINE)
    development = dict(PINNED.findall((ROOT / "requirements-dev.lock").read_text()))
    assert direct
    assert [name for name in direct if name not in development] == [], "run scripts/lock"


def test_vendor_manifest_names_files_of_pinned_packages() -> None:
    packages = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in packages.values()), "pin exact versions"
    sources = [entry["source"].partition("/")[0] for entry in json.loads((ROOT / "vendor.json").read_text())["files"]]
    assert set(sources) == set(packages)


def test_env_example_names_every_setting_and_no_other() -> None:
    named = SETTING.findall((ROOT / ".env.example").read_text())
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_env_example_shows_the_real_defaults() -> None:
    shown = dict(re.findall(r"^#([A-Z][A-Z0-9_]+)=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    for name, text in shown.items():
        default = Settings.model_fields[name.lower()].default
        if "example.com" not in text:
            assert text == (str(default).lower() if isinstance(default, bool) else str(default)), name


def test_env_example_is_refused_until_its_placeholder_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text())
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StartRefused, match="SECRET_KEY is a placeholder"):
        load_settings()


@pytest.mark.parametrize("name", ["scripts/up", "scripts/test", "scripts/lock", ".ci/run"])
def test_script_can_be_run_by_a_plain_shell(name: str) -> None:
    path = ROOT / name
    assert path.read_text().startswith("#!/bin/sh\n")
    assert path.stat().st_mode & 0o111
    assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0


def _holding(needles: tuple[str, ...]) -> list[str]:
    return [f"{path}: {needle}" for path, text in texts() for needle in needles if needle.lower() in text.lower()]
