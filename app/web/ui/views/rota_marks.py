"""How the people of a schedule are told apart on its drawings: a short name, initials, a pattern, and only then a tint.

Nothing here depends on colour: up to PATTERNS people each have a pattern of their own, and the next ones have it at
another edge of their bars. Initials and short names are made longer until no two people share them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.accounts.types import User
from app.web.ui.words import initials

TINTS = 8
PATTERNS = 12
# Where on a bar the pattern lies, in the order in which they are given out.
EDGES = ("far", "near", "both")


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands for one person on the drawings of one schedule; `number` names their pattern's element."""

    number: int
    user: User
    short: str
    initials: str
    tint: int
    pattern: int
    edge: str

    @property
    def name(self) -> str:
        """The whole name, and that they cannot be on call any more."""
        return self.user.name if self.user.is_active else f"{self.user.name} (inactive)"


Marks: TypeAlias = dict[int, Mark]


def marks_of(order: Iterable[int], known: Mapping[int, User]) -> Marks:
    """A mark for each of these people; `order` decides who gets which, so it should be one that seldom changes."""
    users = [known[user_id] for user_id in dict.fromkeys(order) if user_id in known]
    users += [known[user_id] for user_id in sorted(known) if user_id not in {user.id for user in users}]
    shorts = _apart([_short_names(user) for user in users])
    letters = _apart([_letters(user) for user in users])
    return {
        user.id: Mark(
            number=index + 1,
            user=user,
            short=shorts[index],
            initials=letters[index],
            tint=index % TINTS + 1,
            pattern=index % PATTERNS + 1,
            edge=EDGES[index // PATTERNS % len(EDGES)],
        )
        for index, user in enumerate(users)
    }


def _short_names(user: User) -> list[str]:
    words = user.name.split() or [user.email]
    return [words[0], *(f"{words[0]} {words[-1][:size]}" for size in (1, 2, 3) if len(words) > 1), user.name]


def _letters(user: User) -> list[str]:
    words = user.name.split() or [user.email]
    longer = [f"{words[0][0]}{words[-1][:size]}" for size in (2, 3, 4) if len(words) > 1]
    return [initials(user.name), *longer, *(words[0][:size] for size in (3, 4, 5))]


def _apart(choices: Sequence[Sequence[str]]) -> list[str]:
    # Everybody begins with their shortest; whoever shares theirs takes the next longer one. What cannot be told
    # apart by letters at all (two people of one name) is numbered.
    level = [0] * len(choices)
    while True:
        chosen = [options[level[index]] for index, options in enumerate(choices)]
        shared = {text for text in chosen if chosen.count(text) > 1}
        longer = [
            index for index, text in enumerate(chosen) if text in shared and level[index] + 1 < len(choices[index])
        ]
        if not longer:
            return [
                f"{text}{chosen[: index + 1].count(text)}" if text in shared else text
                for index, text in enumerate(chosen)
            ]
        for index in longer:
            level[index] += 1
