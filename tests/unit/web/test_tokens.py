"""The tokens are the only place with colours and sizes, and all text has 4.5:1 on every ground it stands on.

Contrast is computed as WCAG 2.2 says (relative luminance, 1.4.3) from the values in the file itself.
"""

import re
from itertools import combinations, product
from math import dist
from pathlib import Path

import pytest

from tests.contracts.source import ROOT

CSS = ROOT / "static" / "css"
DECLARATION = re.compile(r"--([a-z0-9-]+):\s*([^;]+);")
PAIR = re.compile(r"light-dark\(([^,]+),\s*([^)]+)\)")
REFERENCE = re.compile(r"var\(--([a-z0-9-]+)\)")
GROUNDS = ("ground", "surface", "raised", "sunken", "hover")
NEUTRAL_TEXT = ("text", "text-2", "text-3", "accent", "critical", "warning", "info", "ok", "acknowledged")
# (text, ground) that stand on a fill of their own.
FILLED = [
    *((kind, f"{kind}-soft") for kind in ("critical", "warning", "info", "ok", "acknowledged", "muted")),
    *(("text", f"{kind}-soft") for kind in ("critical", "warning", "info", "accent", "muted")),
    ("text-2", "muted-soft"), ("accent-text", "accent"), ("accent-text", "accent-strong"),
    ("critical-on", "critical-solid"), ("accent", "accent-soft"), ("text-2", "n4"),
    *((text, f"m{number}-soft") for text in ("text", "text-2") for number in range(1, 9)),
]  # fmt: skip
INKS = [f"m{number}" for number in range(1, 9)]
# How colours arrive in eyes without one kind of cone, as factors of linear sRGB (Machado, Oliveira, Fernandes 2009).
EYES = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
# As CIE76 counts, 2 can just be seen side by side.
APART = 15
LITERAL_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|lab)\(")
LITERAL_SIZE = re.compile(r"(?<![\w.-])\d*\.?\d+(?:px|rem|pt|ch)\b")


def tokens() -> dict[str, str]:
    """Every custom property of the file."""
    return dict(DECLARATION.findall((CSS / "tokens.css").read_text(encoding="utf-8")))


def colour(name: str, scheme: int) -> tuple[int, int, int]:
    """What a token is in the light (0) or the dark (1) scheme."""
    value = tokens()[name].strip()
    reference = REFERENCE.fullmatch(value)
    if reference:
        return colour(reference.group(1), scheme)
    pair = PAIR.fullmatch(value)
    assert pair, f"--{name}: {value} is no colour pair"
    digits = pair.group(scheme + 1).strip().removeprefix("#")
    red, green, blue = (int(digits[at : at + 2], 16) for at in (0, 2, 4))
    return red, green, blue


def linear(rgb: tuple[int, int, int]) -> list[float]:
    """An sRGB colour as amounts of light."""
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in (c / 255 for c in rgb)]


def luminance(rgb: tuple[int, int, int]) -> float:
    """The relative luminance of an sRGB colour."""
    red, green, blue = linear(rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def seen_as(rgb: tuple[int, int, int], eyes: str) -> tuple[float, float, float]:
    """Where a colour lies in CIELAB for these eyes."""
    arrived = [sum(a * b for a, b in zip(row, linear(rgb), strict=True)) for row in EYES[eyes]]
    red, green, blue = (min(1.0, max(0.0, value)) for value in arrived)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def contrast(text: str, ground: str, scheme: int) -> float:
    """The contrast of one token on another."""
    light, dark = sorted((luminance(colour(text, scheme)), luminance(colour(ground, scheme))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_has_enough_contrast_on_its_ground(scheme: int) -> None:
    pairs = [*product(NEUTRAL_TEXT, GROUNDS), *FILLED]

    weak = {f"{text} on {ground}": round(contrast(text, ground, scheme), 2) for text, ground in pairs}
    weak = {pair: ratio for pair, ratio in weak.items() if ratio < 4.5}

    assert not weak


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_focus_and_borders_of_controls_can_be_seen(scheme: int) -> None:
    assert contrast("focus", "ground", scheme) >= 3
    assert contrast("focus", "surface", scheme) >= 3


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_inks_of_people_can_be_seen_on_their_fill_and_beside_it(scheme: int) -> None:
    grounds = [(ink, ground) for ink in INKS for ground in (f"{ink}-soft", "surface")]

    assert not {pair: contrast(*pair, scheme) for pair in grounds if contrast(*pair, scheme) < 3}


@pytest.mark.parametrize("eyes", list(EYES))
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_inks_of_people_are_told_apart_by_all_eyes(scheme: int, eyes: str) -> None:
    seen = {ink: seen_as(colour(ink, scheme), eyes) for ink in INKS}

    assert not {
        pair: round(dist(seen[pair[0]], seen[pair[1]]), 1)
        for pair in combinations(INKS, 2)
        if dist(seen[pair[0]], seen[pair[1]]) < APART
    }


@pytest.mark.parametrize(
    "path", sorted(path for path in CSS.glob("*.css") if path.name != "tokens.css"), ids=lambda path: path.name
)
def test_other_style_sheets_hold_no_literal_colour_or_size(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/|@media[^{]+\{", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)

    assert not LITERAL_COLOUR.findall(text)
    assert not LITERAL_SIZE.findall(text)


def test_every_token_that_is_used_exists() -> None:
    known = set(tokens())
    used = {name for path in CSS.glob("*.css") for name in REFERENCE.findall(path.read_text(encoding="utf-8"))}

    assert used <= known
    assert not {name for name in known - used if not name.startswith("n")}
