"""The product's own source as data, for the tests that hold the house rules."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: `name` is its path from the root with forward slashes."""

    name: str
    text: str
    tree: ast.Module

    @cached_property
    def lines(self) -> list[str]:
        """The text, line by line."""
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Everything in the tree; most rules look through all of it."""
        return list(ast.walk(self.tree))

    @cached_property
    def names(self) -> frozenset[str]:
        """All that is called or named, as written: `now`, `self.clock.now`."""
        return frozenset(ast.unparse(node) for node in self.nodes if isinstance(node, ast.Attribute | ast.Name))

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones included."""
        return (node for node in self.nodes if isinstance(node, Function))


@cache
def app_files() -> tuple[Source, ...]:
    """Every Python file under app/."""
    return tuple(_read(path) for path in sorted((ROOT / "app").rglob("*.py")))


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that git tracks or would track; empty outside a checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = listed.stdout.split("\0") if listed.returncode == 0 else []
    return tuple(ROOT / name for name in names if name and (ROOT / name).is_file())


def code_lines(source: Source, first: int, last: int) -> int:
    """Lines from `first` to `last` that are neither blank, nor docstring, nor part of a table of constants."""
    skipped = _skipped_lines(source)
    return sum(1 for number in range(first, last + 1) if source.lines[number - 1].strip() and number not in skipped)


@cache
def _skipped_lines(source: Source) -> frozenset[int]:
    skipped: set[int] = set()
    for node in source.nodes:
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node) is not None:
            skipped |= _span(node.body[0])
        if isinstance(node, ast.ClassDef | Function):
            for decorator in node.decorator_list:
                skipped |= _span(decorator)
    # SQL constants and the route table are data on one page, not code to be understood.
    for node in source.tree.body:
        if source.name == "app/web/routes.py" and isinstance(node, ast.Assign | ast.AnnAssign):
            skipped |= _span(node)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            skipped |= _span(node)
    return frozenset(skipped)


def _span(node: ast.stmt | ast.expr) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text))


def words_of(identifier: str) -> list[str]:
    """`AlertSourceKey` and `alert_source_key` are both alert, source, key."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)]
