"""The vendor step copies exactly the pinned files, all or none, and says in one sentence why it could not."""

import hashlib
import json
from pathlib import Path

import pytest

from scripts import vendor

CONTENT = b"console.log('hello');\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that wants one file of one package."""
    root = tmp_path / "project"
    root.mkdir()
    for name in vendor.PACKAGE_FILES:
        (root / name).write_text("{}")
    pin(root, CONTENT)
    monkeypatch.setattr(vendor, "ROOT", root)
    monkeypatch.setattr(vendor, "TARGET", root / "static" / "vendor")
    return root


def pin(root: Path, content: bytes) -> None:
    entry = {"source": "hello/dist/hello.js", "target": "hello.js", "sha256": hashlib.sha256(content).hexdigest()}
    (root / "vendor.json").write_text(json.dumps({"files": [entry]}))


def npm_that(does: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a package manager on PATH that runs this line of shell instead."""
    command = folder / "bin" / "npm"
    command.parent.mkdir()
    command.write_text(f"#!/bin/sh\n{does}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")


def installs(content: bytes) -> str:
    return f"mkdir -p node_modules/hello/dist && printf '%s' \"{content.decode()}\" > node_modules/hello/dist/hello.js"


def test_missing_files_are_fetched_and_then_left_alone(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm_that(installs(CONTENT), tmp_path, monkeypatch)
    assert vendor.main(["--check"]) == 1
    assert vendor.main([]) == 0
    assert (project / "static/vendor/hello.js").read_bytes() == CONTENT

    (tmp_path / "bin" / "npm").unlink()
    assert vendor.main([]) == 0
    assert vendor.main(["--check"]) == 0


def test_altered_file_is_replaced(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_that(installs(CONTENT), tmp_path, monkeypatch)
    vendor.main([])
    (project / "static/vendor/hello.js").write_bytes(b"something else")
    assert vendor.main(["--check"]) == 1
    assert vendor.main([]) == 0
    assert (project / "static/vendor/hello.js").read_bytes() == CONTENT


def test_package_with_other_content_than_pinned_is_refused(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm_that(installs(b"console.log('changed');\n"), tmp_path, monkeypatch)
    assert vendor.main([]) == 1
    assert "vendor.json says" in capsys.readouterr().err
    assert not (project / "static/vendor").exists()


def test_failing_package_manager_is_told_in_one_sentence(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm_that("echo 'npm error code ECONNREFUSED' >&2; echo 'npm error more' >&2; exit 1", tmp_path, monkeypatch)
    assert vendor.main([]) == 1
    assert capsys.readouterr().err == (
        "The browser files could not be fetched: npm failed: npm error code ECONNREFUSED.\n"
    )


def test_package_manager_that_hangs_is_given_up(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    npm_that("exec sleep 30", tmp_path, monkeypatch)
    assert vendor.main(["--timeout", "0.2"]) == 1
    assert "gave up after 0.2 s" in capsys.readouterr().err
