"""Messages as they would leave: the rules of the real outbox (B29) over pages that are kept in memory alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.notify.rules import DuePage, Turn, Window, plan_contact


@dataclass(slots=True, eq=False)
class _Waiting:
    id: int
    contact_method_id: int
    due_at: datetime
    waited: bool = False
    is_held: bool = False


class Outbox:
    """Pages that wait, and the windows in which a contact method gets no other; `windows` are those that are open."""

    def __init__(self, windows: Mapping[int, Window]) -> None:
        # What opened them has left; its id is another's here.
        self._windows = {each: Window(window.opens_until, None) for each, window in windows.items()}
        self._waiting: list[_Waiting] = []

    def put(
        self, page_id: int, contact_method_id: int, due_at: datetime, *, waited: bool = False, is_held: bool = False
    ) -> None:
        """Let a page wait for its time; page ids go up.

        Those that have `waited` are said in one message, and so are those that are held for a digest.
        """
        self._waiting.append(_Waiting(page_id, contact_method_id, due_at, waited, is_held))

    def next_due_at(self) -> datetime | None:
        """When the next page may leave."""
        return min((page.due_at for page in self._waiting), default=None)

    def leave(self, now: datetime) -> list[list[int]]:
        """The messages that go out now, each as the pages that it says."""
        due: dict[int, list[_Waiting]] = {}
        for page in sorted(self._waiting, key=lambda page: (page.due_at, page.id)):
            if page.due_at <= now:
                due.setdefault(page.contact_method_id, []).append(page)
        messages = []
        for contact_method_id, pages in due.items():
            window = self._windows.get(contact_method_id, Window(now, None))
            plan = plan_contact(window, [DuePage(page.id, page.waited, page.is_held) for page in pages], now)
            for page in pages:
                if plan.turns[page.id] is Turn.WINDOW_OPEN:
                    page.due_at, page.waited = plan.window.opens_until, True
            if plan.send_id is not None:
                self._windows[contact_method_id] = plan.window
                messages.append([plan.send_id, *plan.ids(Turn.IN_BUNDLE)])
        gone = {page_id for message in messages for page_id in message}
        self._waiting = [page for page in self._waiting if page.id not in gone]
        return messages

    def due_at(self, page_id: int) -> datetime | None:
        """When a page is due that still waits; None for one that has left."""
        return next((page.due_at for page in self._waiting if page.id == page_id), None)

    def bring_forward(self, page_id: int, due_at: datetime) -> None:
        """Let a page that waits leave sooner."""
        for page in self._waiting:
            if page.id == page_id:
                page.due_at = due_at

    def free(self, contact_method_id: int, now: datetime) -> None:
        """A message did not go out after all: whoever waits for its window to close need not wait any longer."""
        self._windows[contact_method_id] = Window(now, None)
        for page in self._waiting:
            if page.contact_method_id == contact_method_id and page.waited:
                page.due_at = now
