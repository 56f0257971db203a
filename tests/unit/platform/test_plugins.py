"""The plug-in loader: a file in the folder is a plug-in, a faulty one stops the start."""

import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.platform.errors import StartRefused
from app.platform.plugins import load

Folder = Callable[..., str]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Horn:
    """The kind of plug-in in these tests."""

    label: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """Writes a package of plug-in files and returns its dotted name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made: list[str] = []

    def write(**files: str) -> str:
        name = f"horns_{next(_numbers)}"
        (tmp_path / name).mkdir()
        for file, text in {"__init__": "", **files}.items():
            (tmp_path / name / f"{file}.py").write_text(text)
        made.append(name)
        return name

    yield write
    for name in list(sys.modules):
        if name.partition(".")[0] in made:
            del sys.modules[name]


HORN = "from tests.unit.platform.test_plugins import Horn\nPLUGIN = Horn(label='{}')\n"


def test_every_file_is_a_plugin_in_the_order_of_names(folder: Folder) -> None:
    package = folder(fog=HORN.format("Fog"), air=HORN.format("Air"), _base="", _shared="PLUGIN = 1")
    assert list(load(package, Horn).items()) == [("air", Horn("Air")), ("fog", Horn("Fog"))]


def test_the_folder_is_read_once(folder: Folder) -> None:
    package = folder(fog=HORN.format("Fog"))
    assert load(package, Horn) is load(package, Horn)


def test_the_mapping_cannot_be_changed(folder: Folder) -> None:
    plugins = load(folder(fog=HORN.format("Fog")), Horn)
    with pytest.raises(TypeError):
        plugins["more"] = Horn("More")  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no PLUGIN"),
        ("PLUGIN = 'fog'", "PLUGIN is a str; this folder holds Horn records"),
        ("import not_installed_anywhere", "cannot be imported: ModuleNotFoundError"),
        ("def (", "cannot be imported: SyntaxError"),
        ("PLUGIN = missing", "cannot be imported: NameError"),
    ],
)
def test_a_faulty_file_stops_the_start_by_name(folder: Folder, text: str, says: str) -> None:
    package = folder(fog=text)
    with pytest.raises(StartRefused) as refused:
        load(package, Horn)
    assert str(refused.value).startswith(f"{package}/fog.py: ")
    assert says in str(refused.value)


def test_a_missing_folder_stops_the_start() -> None:
    with pytest.raises(StartRefused, match="no_such_folder"):
        load("no_such_folder", Horn)


def test_a_kind_must_be_frozen(folder: Folder) -> None:
    @dataclass
    class Loose:
        label: str

    with pytest.raises(TypeError, match="frozen"):
        load(folder(), Loose)
