#!/usr/bin/env python3
"""Draws the icons of the installed application from the shapes of static/icons/mark.svg, with nothing but Python.

python scripts/icons.py        writes static/icons/*.png; the same shapes always make the same bytes
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from math import hypot
from pathlib import Path

ICONS = Path(__file__).resolve().parents[1] / "static" / "icons"
BLUE, WHITE = (36, 88, 184), (255, 255, 255)
CORNER, STROKE, SAMPLES = 6.0, 1.75, 4
# Name, pixels, how large the mark is on its ground, whether the ground has round corners, or none (a silhouette).
PICTURES = (
    ("app-180", 180, 1.0, "square"),
    ("app-192", 192, 1.0, "round"),
    ("app-512", 512, 1.0, "round"),
    ("app-maskable-512", 512, 0.72, "square"),
    ("badge-96", 96, 1.25, "none"),
)


def is_mark(x: float, y: float) -> bool:
    """Whether a point of the 24 × 24 drawing belongs to the white mark: a dot and two waves."""
    if hypot(x - 8, y - 16) <= 2:
        return True
    for radius in (4.5, 8.5):
        near_wave = abs(hypot(x - 8, y - 16) - radius) <= STROKE / 2
        if near_wave and x >= 8 and y <= 16:
            return True
        # The waves end round.
        if hypot(x - 8, y - (16 - radius)) <= STROKE / 2 or hypot(x - 8 - radius, y - 16) <= STROKE / 2:
            return True
    return False


def is_ground(x: float, y: float, shape: str) -> bool:
    """Whether a point lies on the blue ground."""
    if shape == "none":
        return False
    if shape == "square":
        return True
    dx = max(CORNER - x, x - (24 - CORNER), 0.0)
    dy = max(CORNER - y, y - (24 - CORNER), 0.0)
    return hypot(dx, dy) <= CORNER


def rows(pixels: int, scale: float, shape: str) -> Iterator[bytes]:
    """The picture line by line, RGBA, each pixel the mean of its samples."""
    unit = 24 / pixels
    for line in range(pixels):
        row = bytearray(b"\x00")
        for column in range(pixels):
            row += _pixel(column * unit, line * unit, unit, scale, shape)
        yield bytes(row)


def _pixel(left: float, top: float, unit: float, scale: float, shape: str) -> bytes:
    marked = ground = 0
    for i in range(SAMPLES * SAMPLES):
        x = left + unit * (i % SAMPLES + 0.5) / SAMPLES
        y = top + unit * (i // SAMPLES + 0.5) / SAMPLES
        # The mark's middle is the drawing's.
        if is_mark((x - 12) / scale + 12, (y - 12) / scale + 12):
            marked += 1
        elif is_ground(x, y, shape):
            ground += 1
    covered = marked + ground
    if not covered:
        return b"\x00\x00\x00\x00"
    mix: Callable[[int, int], int] = lambda white, blue: round((white * marked + blue * ground) / covered)  # noqa: E731
    return bytes([*(mix(w, b) for w, b in zip(WHITE, BLUE, strict=True)), round(255 * covered / SAMPLES**2)])


def png(pixels: int, scale: float, shape: str) -> bytes:
    """The picture as PNG."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", pixels, pixels, 8, 6, 0, 0, 0)
    content = zlib.compress(b"".join(rows(pixels, scale, shape)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def main() -> None:
    """Write every picture."""
    for name, pixels, scale, shape in PICTURES:
        (ICONS / f"{name}.png").write_bytes(png(pixels, scale, shape))


if __name__ == "__main__":
    main()
