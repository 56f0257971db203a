"""Network interfaces: those that are switched on without a carrier, and those that lose packets just now."""

import os
import time

from app.intelligence.local.machine import Interface
from app.intelligence.local.readings import proc

SAMPLE_SECONDS = 0.3
FOLDER = "/sys/class/net"
IS_UP = 0x1
# Of /proc/net/dev: errors and full buffers, in and out; what is merely not for us is dropped on well machines too.
LOST_FIELDS = (2, 4, 10, 12)


def read() -> tuple[Interface, ...]:
    """The interfaces that are not well."""
    before = _lost()
    time.sleep(SAMPLE_SECONDS)
    lost = {name: count - before.get(name, count) for name, count in _lost().items()}
    found = [Interface(name, is_down=_is_down(name), lost=max(0, count)) for name, count in lost.items()]
    return tuple(each for each in found if each.is_down or each.lost)


def _lost() -> dict[str, int]:
    found = {}
    for line in proc.text_or_nothing("/proc/net/dev").splitlines()[2:]:
        name, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) > max(LOST_FIELDS):
            found[name.strip()] = sum(int(fields[at]) for at in LOST_FIELDS)
    return found


def _is_down(name: str) -> bool:
    """Whether real hardware is switched on and has no link; bridges and tunnels often rest like that."""
    folder = f"{FOLDER}/{name}"
    flags = proc.text_or_nothing(f"{folder}/flags").strip()
    is_up = bool(flags) and bool(int(flags, 16) & IS_UP)
    return os.path.exists(f"{folder}/device") and is_up and proc.number(f"{folder}/carrier") == 0
