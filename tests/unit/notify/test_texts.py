"""Text messages fit into two segments and never lose their number; a voice says numbers digit by digit."""

import pytest

from app.notify.texts import clipped, digits, fits, folded, listed, segments, spoken, text_message

LINK = "https://pager.example.com/a/" + "x" * 60


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments_are_counted_as_the_networks_count_them(text: str, count: int) -> None:
    assert segments(text) == count


@pytest.mark.parametrize(
    "title", ["Disk full", "d" * 400, "диск полон " * 40, "磁盘已满" * 60, "a|b^c{d}" * 60, "😀 boom " * 50]
)
@pytest.mark.parametrize("number", [7, 142, 4_000_000_000])
def test_only_the_title_gives_way(title: str, number: int) -> None:
    text = text_message(f"CRITICAL #{number}", title, f"Reply ACK {number} or {LINK}", f"Reply ACK {number}")
    assert fits(text)
    assert text.startswith(f"CRITICAL #{number} ")
    assert f"Reply ACK {number}" in text
    assert folded(title)[:10] in text


def test_a_short_title_keeps_its_link_and_a_long_foreign_one_gives_it_up_for_words() -> None:
    short = text_message("CRITICAL #7", "Disk full", f"Reply ACK 7 or {LINK}", "Reply ACK 7")
    assert short == f"CRITICAL #7 Disk full. Reply ACK 7 or {LINK}"
    foreign = text_message("CRITICAL #7", "диск полон " * 20, f"Reply ACK 7 or {LINK}", "Reply ACK 7")
    assert foreign.endswith("... Reply ACK 7")
    assert "https" not in foreign


def test_signs_that_cost_a_whole_message_are_said_otherwise() -> None:
    assert folded("● “Disk” – full…  café\u00a0naïve ✓ 🔥\nnow") == '"Disk" - full... café naive now'
    assert segments(folded("● критично")) == 1


def test_what_does_not_fit_into_a_list_is_counted() -> None:
    text = listed("4 more incidents:", [f"#{number} {'d' * 60}" for number in range(1, 8)], "Reply ACK and a number")
    assert fits(text)
    assert text.endswith("; and 4 more. Reply ACK and a number")


def test_a_code_is_never_cut() -> None:
    assert clipped("Your PagerPal code. Enter 123456 within 15 minutes. " + "x" * 500).startswith(
        "Your PagerPal code. Enter 123456 within"
    )
    assert fits(clipped("я" * 900))


def test_a_voice_says_numbers_digit_by_digit_and_no_addresses() -> None:
    assert digits(142) == "1 4 2"
    assert spoken("Enter 123456 at https://pager.example.com/x within 15 minutes") == (
        "Enter 1 2 3 4 5 6 at within 15 minutes"
    )
