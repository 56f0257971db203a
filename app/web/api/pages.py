"""Lists in JSON: one page with what a reader needs to find the others."""

from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import BaseModel

from app.platform.types import Page

T = TypeVar("T")
U = TypeVar("U")


class PageOut(BaseModel, Generic[T]):
    """One page of a list; pages count from 1."""

    items: list[T]
    total: int
    page: int
    page_size: int
    total_pages: int


def page_out(page: Page[U], convert: Callable[[U], T]) -> PageOut[T]:
    """The page with each of its items converted."""
    return PageOut(
        items=[convert(item) for item in page.items],
        total=page.total,
        page=page.page,
        page_size=page.page_size,
        total_pages=page.total_pages,
    )
