"""Sets of instants: what is taken once is not taken again."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, strategies as st

from app.oncall.spans import BEGINNING, FOREVER, Spans

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def hours(*bounds: tuple[int, int]) -> list[tuple[datetime, datetime]]:
    return [(DAY + timedelta(hours=start), DAY + timedelta(hours=end)) for start, end in bounds]


def test_only_what_was_free_is_taken() -> None:
    spans = Spans(hours((2, 4), (6, 8)))
    assert spans.take(*hours((1, 7))[0]) == hours((1, 2), (4, 6))
    assert list(spans) == hours((1, 8))


def test_spans_that_touch_are_one() -> None:
    assert list(Spans(hours((4, 6), (2, 4), (5, 9)))) == hours((2, 9))
    spans = Spans(hours((2, 4), (6, 8)))
    assert spans.take(*hours((4, 6))[0]) == hours((4, 6))
    assert list(spans) == hours((2, 8))


def test_span_that_ends_before_it_begins_holds_nothing() -> None:
    spans = Spans(hours((4, 2), (5, 5)))
    assert spans.take(*hours((3, 3))[0]) == []
    assert list(spans) == []


def test_complement_reaches_from_the_beginning_to_for_ever() -> None:
    ((start, end),) = hours((2, 4))
    assert list(Spans([(start, end)]).complement()) == [(BEGINNING, start), (end, FOREVER)]
    assert list(Spans().complement()) == [(BEGINNING, FOREVER)]
    assert list(Spans([(BEGINNING, FOREVER)]).complement()) == []


_bounds = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=6)


@given(bounds=_bounds, asked=st.tuples(st.integers(0, 20), st.integers(0, 20)))
def test_they_hold_the_hours_that_were_put_in(bounds: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    put_in = {hour for start, end in bounds for hour in range(start, end)}
    wanted = set(range(*asked))
    spans = Spans(hours(*bounds))
    assert _hours_in(list(spans)) == put_in
    assert _hours_in(list(spans.within(*hours(asked)[0]))) == put_in & wanted
    assert _hours_in(spans.take(*hours(asked)[0])) == wanted - put_in
    assert _hours_in(list(spans)) == put_in | wanted
    assert all(one[1] < other[0] for one, other in pairwise(spans))


def _hours_in(spans: list[tuple[datetime, datetime]]) -> set[int]:
    assert all(start < end for start, end in spans)
    hour = timedelta(hours=1)
    return {each for start, end in spans for each in range((start - DAY) // hour, (end - DAY) // hour)}
