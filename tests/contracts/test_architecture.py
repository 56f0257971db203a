"""The bars of the house (docs/architecture.md): sizes, who may do what, and the words we use.

The directions of imports are held by the contracts in pyproject.toml, types by mypy; everything else is here.
"""

import ast
import inspect
import re
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath

from app.web.routes import ROUTES
from tests.contracts.source import Function, Source, app_files, code_lines, words_of

FUNCTION_LINES = 50
HANDLER_LINES = 15
TICK_LINES = 40
FILE_LINES = 400
PLUGIN_LINES = 250
MEDIAN_FILE_LINES = 120

PLUGIN_FOLDERS = (
    "app/alarms/modules/", "app/alerts/drivers/", "app/notify/channels/", "app/checks/checkers/",
    "app/intelligence/providers/",
)  # fmt: skip
# Slow to import, or optional: inside the function that needs them.
LATE_IMPORTS = {"boto3", "botocore", "apprise", "celery"}
# Where an error of any kind must become something other than silence.
BROAD_EXCEPTS = {
    "app/jobs/_guard.py": "a job that fails is recorded and runs again",
    "app/usecases/run_pipeline/passes.py": "a stage that fails is recorded and tried again",
    "app/usecases/deliver/sending.py": "one message that cannot be sent does not stop the others",
    "app/alarms/module_worker.py": "an alarm module may raise anything, and that is unknown",
    "app/checks/running.py": "one checker that breaks does not stop the others",
    "app/pipeline/signals.py": "a signal that cannot be emitted does not stop its run",
    "app/web/errors.py": "whatever goes wrong becomes an answer",
    "app/platform/crews.py": "what a thread raises is raised again where it is waited for",
    "app/platform/writer.py": "a poisoned item fails alone, not everybody committed with it",
}
COMMITTERS = {"app/platform/db.py"}
READERS_OF_THE_ENVIRONMENT = {"app/platform/settings.py"}
READERS_OF_THE_WALL_CLOCK = {"app/platform/clock.py"}
# Failpoints strike by chance, in tests only.
SOURCES_OF_RANDOMNESS = {"app/platform/runtime.py", "app/platform/failpoints.py"}

# Matched against what is called or named, as written: `datetime.now`, `self.db.engine.commit`.
WALL_CLOCK = re.compile(r"(^|\.)(datetime\.now|datetime\.utcnow|datetime\.today|date\.today|time\.time(_ns)?)$")
# The classes are types of arguments; making one's own values from these modules is what must not happen.
RANDOM_MODULES = {"random", "secrets", "uuid"}
RANDOM_TYPES = {"Random", "UUID"}
ENVIRONMENT = re.compile(r"^os\.(environ|getenv|putenv)$")
COMMIT = re.compile(r"\.commit$")
SHARED_THREADS = re.compile(r"(^|\.)(to_thread(\.run_sync)?|run_in_executor|run_in_threadpool|ThreadPoolExecutor)$")
BEGIN = re.compile(r"(^|\.)db\.(write|read|run|run_read)$")

# Names that have a better one in the glossary, or that say nothing.
DRAWER_MODULES = {"utils", "helpers", "common", "misc", "manager", "managers", "handler", "handlers", "base"}
FORBIDDEN_WORDS = {
    "ticket": "incident",
    "roster": "schedule",
    "insight": "recommendation",
    "workflow": "use case, or pipeline",
    "interactor": "use case",
    "deadletter": "quarantine",
    "trade": "swap",
    "util": "a name that says what it does",
    "utils": "a name that says what it does",
    "helper": "a name that says what it does",
    "helpers": "a name that says what it does",
    "manager": "a name that says what it does",
}
FORBIDDEN_PHRASES = {
    "integration_key": "alert source key",
    "dedup_key": "fingerprint",
    "mark_as": "the verb of the action",
    "on_behalf": "acting as",
    "delivery_log": "notification",
    "escalation_chain": "escalation policy",
    "default_user": "fallback",
}


def test_functions_are_short() -> None:
    too_long = [
        f"{place}: {size} lines, at most {limit}"
        for source in app_files()
        for function in source.functions()
        if (size := _size(source, function)) > (limit := _limit(source, function))
        for place in [f"{source.name}:{function.lineno} {function.name}"]
    ]
    assert not too_long, "\n".join(too_long)


def test_files_are_short() -> None:
    sizes = {source.name: code_lines(source, 1, len(source.lines)) for source in app_files()}
    too_long = [
        f"{name}: {size} lines"
        for name, size in sizes.items()
        if size > (PLUGIN_LINES if name.startswith(PLUGIN_FOLDERS) else FILE_LINES)
    ]
    assert not too_long, "\n".join(too_long)
    assert statistics.median(sizes.values()) <= MEDIAN_FILE_LINES


def test_every_function_names_what_it_returns() -> None:
    silent = [
        f"{source.name}:{function.lineno} {function.name}"
        for source in app_files()
        for function in source.functions()
        if function.returns is None
    ]
    assert not silent, "\n".join(silent)


def test_imports_stand_at_the_top() -> None:
    late = [
        f"{source.name}:{node.lineno}"
        for source in app_files()
        for function in source.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and not _imported(node) <= LATE_IMPORTS
    ]
    assert not late, "\n".join(late)


def test_only_the_named_edges_catch_everything() -> None:
    found = {source.name for source in app_files() if any(_is_broad(node) for node in source.nodes)}
    assert found <= set(BROAD_EXCEPTS), f"catch what you expect: {sorted(found - set(BROAD_EXCEPTS))}"


def test_one_place_commits() -> None:
    assert _files_that_name(COMMIT) <= COMMITTERS


def test_one_place_hands_work_to_threads_that_others_share() -> None:
    assert _files_that_name(SHARED_THREADS) <= {"app/platform/crews.py"}


def test_one_place_reads_the_environment() -> None:
    assert _files_that_name(ENVIRONMENT) <= READERS_OF_THE_ENVIRONMENT


def test_one_place_reads_the_wall_clock() -> None:
    assert _files_that_name(WALL_CLOCK) <= READERS_OF_THE_WALL_CLOCK


def test_one_place_makes_ids_tokens_and_chance() -> None:
    importing = {
        source.name for source in app_files() for node in source.nodes if _imports_randomness(node)
    } | _files_that_name(re.compile(r"^os\.urandom$"))
    assert importing <= SOURCES_OF_RANDOMNESS


def test_only_use_cases_doors_and_jobs_open_transactions() -> None:
    inside = ("service.py", "repository.py", "queries.py", "rules.py")
    opening = {name for name in _files_that_name(BEGIN) if name.endswith(inside)}
    assert opening == set(), "these are handed the transaction"


def test_everything_public_has_a_docstring() -> None:
    silent = [
        f"{source.name}:{getattr(node, 'lineno', 1)} {getattr(node, 'name', 'the module')}"
        for source in app_files()
        for node in _public(source)
        if not ast.get_docstring(node)
    ]
    assert not silent, "\n".join(silent)


def test_services_are_handed_the_transaction_first_and_the_time_by_name() -> None:
    wrong = [
        f"{source.name}:{node.lineno} {node.name}"
        for source in app_files()
        if source.name.endswith("/service.py")
        for node in source.tree.body
        if isinstance(node, Function) and _is_public(node)
        for positional in [[argument.arg for argument in node.args.args]]
        if "tx" in positional[1:] or "now" in positional
    ]
    assert not wrong, "\n".join(wrong)


def test_get_raises_and_find_returns_none() -> None:
    wrong = [
        f"{source.name}:{node.lineno} {node.name}"
        for source in app_files()
        if not source.name.startswith("app/web/")
        for node in source.tree.body
        if isinstance(node, Function) and node.returns is not None
        if node.name.startswith(("get_", "find_"))
        if ("None" in ast.unparse(node.returns)) != node.name.startswith("find_")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_is_a_drawer() -> None:
    drawers = [source.name for source in app_files() if PurePosixPath(source.name).stem in DRAWER_MODULES]
    assert not drawers, "a module is named after what it owns: " + ", ".join(drawers)


def test_names_come_from_the_glossary() -> None:
    wrong = [
        f"{source.name}:{line} {name}: say {better}"
        for source in app_files()
        for line, name in _defined_names(source)
        if (better := _better(name))
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_unfinished_is_left() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert [source.name for source in app_files() if marks.search(source.text)] == []


def _size(source: Source, function: Function) -> int:
    # A handler's signature says what comes in; its bar is about what it does.
    first = function.body[0].lineno if (source.name, function.name) in _handlers() else function.lineno
    return code_lines(source, first, function.end_lineno or function.lineno)


def _limit(source: Source, function: Function) -> int:
    if (source.name, function.name) in _handlers():
        return HANDLER_LINES
    return TICK_LINES if source.name.startswith("app/jobs/") else FUNCTION_LINES


@cache
def _handlers() -> frozenset[tuple[str, str]]:
    """Every function that answers a URL, as (file, name)."""
    functions = [inspect.unwrap(route.handler) for route in ROUTES]
    return frozenset((f"{function.__module__.replace('.', '/')}.py", function.__name__) for function in functions)


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return {name.partition(".")[0] for name in names}


def _imports_randomness(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in RANDOM_MODULES and not {alias.name for alias in node.names} <= RANDOM_TYPES
    return isinstance(node, ast.Import) and bool(_imported(node) & RANDOM_MODULES)


def _is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    broad = any(kind is None or (isinstance(kind, ast.Name) and kind.id in _BROAD) for kind in caught)
    # Cleaning up and raising again swallows nothing.
    reraises = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in node.body)
    return broad and not reraises


_BROAD = {"Exception", "BaseException"}


def _files_that_name(pattern: re.Pattern[str]) -> set[str]:
    return {source.name for source in app_files() if any(map(pattern.search, source.names))}


def _public(source: Source) -> Iterator[ast.Module | ast.ClassDef | Function]:
    yield source.tree
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (member for member in node.body if isinstance(member, Function) and _is_public(member))


def _is_public(function: Function) -> bool:
    return not function.name.startswith("_")


def _defined_names(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.ClassDef | Function):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def _better(name: str) -> str | None:
    for phrase, better in FORBIDDEN_PHRASES.items():
        if phrase in name.lower():
            return better
    return next((FORBIDDEN_WORDS[word] for word in words_of(name) if word in FORBIDDEN_WORDS), None)
