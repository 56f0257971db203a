"""Numbers in the words of a sentence."""


def size(count: float) -> str:
    """Bytes in the unit in which people think of them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def percent(share: float) -> str:
    """A share; never «100 %» for what is not quite."""
    shown = int(share * 10) / 10
    return f"{shown:.0f} %" if shown == int(shown) else f"{shown:.1f} %"


def named(count: int, noun: str) -> str:
    """So many of something."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
