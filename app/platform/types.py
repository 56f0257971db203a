"""Words shared by every context: JSON values and pages of a list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
# A JSON object that we made or checked ourselves; what strangers send is a JsonValue until a driver has read it.
JsonObject: TypeAlias = dict[str, Any]
Headers: TypeAlias = Mapping[str, str]

MAX_PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page of a list is wanted; pages count from 1."""

    page: int = 1
    page_size: int = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, with what a reader needs to find the others."""

    items: list[T]
    total: int
    page: int
    page_size: int

    @property
    def total_pages(self) -> int:
        """How many pages there are; 0 for an empty list."""
        return -(-self.total // self.page_size)
