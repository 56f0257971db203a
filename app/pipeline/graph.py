"""How the nodes of a definition follow each other: one way in, no way twice, nothing left aside. Values only."""

from collections.abc import Sequence
from typing import Any

from app.pipeline.types import NodeType
from app.platform.errors import FieldError

CLIPPED = 40


class Graph:
    """The nodes as they are joined by their `next`; each is known by its place in the list.

    Nodes need not have been checked: what is no node, or has no id, is joined to nothing.
    """

    def __init__(self, nodes: Sequence[Any]) -> None:
        self._nodes = [node if isinstance(node, dict) else {} for node in nodes]
        self._places: dict[str, int] = {}
        for place, node in enumerate(self._nodes):
            if isinstance(node.get("id"), str):
                self._places.setdefault(node["id"], place)
        named = [node.get("next") for node in self._nodes]
        self._next = [self._places.get(each) if isinstance(each, str) else None for each in named]
        self._led_to = {place for place in self._next if place is not None}
        # The order in which nodes run, as far as there is one.
        self.order = self._walk(self._entry())

    def errors(self) -> list[FieldError]:
        """Every fault of how the nodes follow each other."""
        errors = self._id_errors() + self._next_errors()
        # Without one id for each node nobody can say what is reached.
        if len(self._places) == len(self._nodes):
            errors += self._cycle_errors() + self._order_errors() + self._source_errors()
        return errors

    def _entry(self) -> int | None:
        """The one node to which none leads; where several are candidates, the ingest node or the first."""
        entries = [place for place in range(len(self._nodes)) if place not in self._led_to]
        of_ingest = [place for place in entries if self._is_ingest(place)]
        return next(iter(of_ingest + entries), None)

    def _walk(self, place: int | None) -> list[int]:
        """The places from here on, up to the end or the first that would come twice."""
        walked: dict[int, None] = {}
        while place is not None and place not in walked:
            walked[place] = None
            place = self._next[place]
        return list(walked)

    def _id_errors(self) -> list[FieldError]:
        errors = []
        for place, node in enumerate(self._nodes):
            first = self._places.get(node["id"]) if isinstance(node.get("id"), str) else None
            if first is not None and first != place:
                message = f"«{self._name(place)}» is the id of nodes[{first}] already"
                errors.append(FieldError(f"config.nodes[{place}].id", message))
        return errors

    def _next_errors(self) -> list[FieldError]:
        return [
            FieldError(f"config.nodes[{place}].next", f"leads to «{node['next'][:CLIPPED]}», and there is no such node")
            for place, node in enumerate(self._nodes)
            if isinstance(node.get("next"), str) and self._next[place] is None
        ]

    def _cycle_errors(self) -> list[FieldError]:
        errors = []
        named: set[int] = set()
        for place in range(len(self._nodes)):
            if place not in named and self._comes_back(place):
                walked = self._walk(place)
                named.update(walked)
                names = " → ".join(self._name(each) for each in [*walked, place])
                errors.append(FieldError(f"config.nodes[{walked[-1]}].next", f"makes a cycle: {names}"))
        return errors

    def _order_errors(self) -> list[FieldError]:
        """Nodes that are never reached, unless their cycle was named already, and ingest anywhere but first."""
        errors = []
        first = self._name(self.order[0]) if self.order else ""
        for place in range(len(self._nodes)):
            at = f"config.nodes[{place}]"
            if place not in self.order and place not in self._led_to:
                message = (
                    f"is unreachable: the pipeline begins at «{first}», and «{self._name(place)}» is a second entry"
                )
                errors.append(FieldError(at, message))
            elif place not in self.order and not self._comes_back(place):
                message = f"is unreachable: «{self._name(place)}» does not follow from «{first}»"
                errors.append(FieldError(at, message))
            if self._is_ingest(place) and place in self.order[1:]:
                errors.append(FieldError(f"{at}.type", "is ingest, and only the first node may ingest"))
        return errors

    def _comes_back(self, place: int) -> bool:
        return self._next[self._walk(place)[-1]] == place

    def _source_errors(self) -> list[FieldError]:
        """Transforms of which the source does not run before them."""
        errors = []
        for place, node in enumerate(self._nodes):
            if node.get("type") != NodeType.TRANSFORM or not isinstance(node.get("config", {}), dict):
                continue
            wrong = self._source_error(place, node.get("config", {}).get("source_node"))
            if wrong:
                errors.append(FieldError(f"config.nodes[{place}].config.source_node", wrong))
        return errors

    def _source_error(self, place: int, source: Any) -> str | None:
        if not isinstance(source, str):
            return "must be the id of a node that runs before this one"
        if source not in self._places:
            return f"there is no node «{source[:CLIPPED]}»"
        before = self.order[: self.order.index(place)] if place in self.order else self.order
        return None if self._places[source] in before else f"«{source[:CLIPPED]}» does not run before this node"

    def _is_ingest(self, place: int) -> bool:
        return self._nodes[place].get("type") == NodeType.INGEST

    def _name(self, place: int) -> str:
        return str(self._nodes[place].get("id", place))[:CLIPPED]
