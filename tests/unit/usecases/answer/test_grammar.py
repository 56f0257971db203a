"""What a message means: every spelling that a person half asleep may send, and nothing by guessing."""

import pytest
from hypothesis import given, settings, strategies as st

from app.usecases.answer.grammar import LARGEST_NUMBER, WORDS, Reply, Verb, read_replies

ACK, DECLINE, RESOLVE = Verb.ACKNOWLEDGE, Verb.DECLINE, Verb.RESOLVE


@pytest.mark.parametrize(
    "text",
    [
        "ACK 7", "ack 7", "Ack7", "ACK #7", "ack#7", "ACK: 7", "ACK-7", "ACK.7", "Ack 7.", " ack 7. \n", "ACK 07",
        "ACK\u00a07", "ACK\u202f7", "\u200bACK 7\u200b", "\ufeffACK 7", "ACK\t7", "ACK  7!", "*ACK 7*",
        "“ACK 7”", "«ACK 7»",
        "ACK 7 👍", "👍🏽 ACK 7", "✅ack 7✅", "ＡＣＫ ７", "ACK ٧", "ACK ७", "АСК 7", "аск7",
        "acknowledge 7", "Acknowledged 7",
        "ACK no. 7", "ACK nr 7", "ACK №7", "ACK INC-7", "ack incident 7", "7 ack", "#7 ACK", "7: ack.",
        "<b>ACK</b> 7", "ACK 7\nACK 7", "ACK 7\n\nSent from my phone", "ACK 7\r\n-- \r\nRavi", "> Disk full\nACK 7",
        "ACK 7\u2028Ravi", "a\u00adck 7",
    ],
)  # fmt: skip
def test_every_spelling_of_an_acknowledgement_is_one(text: str) -> None:
    assert read_replies(text) == (Reply(ACK, 7),)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("ACK", Reply(ACK)),
        (" ack.\n", Reply(ACK)),
        ("Ack 👍", Reply(ACK)),
        ("Decline", Reply(DECLINE)),
        ("DECLINE 12", Reply(DECLINE, 12)),
        ("declined #12!", Reply(DECLINE, 12)),
        ("RESOLVE 7", Reply(RESOLVE, 7)),
        ("Resolved7", Reply(RESOLVE, 7)),
        ("ACK 7 on my way", Reply(ACK, 7, "on my way")),
        ("ACK 7, there in 10 min.", Reply(ACK, 7, "there in 10 min")),
        ("ack looking at it", Reply(ACK, None, "looking at it")),
        ("ACK " + "9" * 5000, Reply(ACK, LARGEST_NUMBER)),
        ("ACK 0", Reply(ACK, 0)),
    ],
)
def test_verb_number_and_what_was_added(text: str, reply: Reply) -> None:
    assert read_replies(text) == (reply,)


def test_several_lines_are_several_answers() -> None:
    assert read_replies("ACK 7\ndecline 8\nthanks") == (Reply(ACK, 7), Reply(DECLINE, 8))
    assert len(read_replies("\n".join(f"ACK {number}" for number in range(50)))) == 5


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "\n\n", "who is this?", "please ack", "do not ack 7", "acky 7", "back 7", "nack 7", "ok", "7", "#7",
        "yes",
        "Liked “[CRITICAL] #7 Disk full: reply ACK 7”", "> ACK 7", "ack7x", "ACK 7a", "acknowledgement 7", "ack for 8",
        "stop 7", "please stop", "don't stop", "the end", "👍", "\u202e", "\x00", "1" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_answer_is_none(text: str) -> None:
    assert read_replies(text) == ()


@pytest.mark.parametrize(
    "text",
    ["STOP", "Stop.", " stop\n", "STOP!", "stopall", "Unsubscribe", "CANCEL", "end", "Quit", "ARRÊT", "stop all"],
)
def test_a_stop_word_counts_as_the_whole_message(text: str) -> None:
    assert read_replies(text) == (Reply(Verb.STOP),)


@pytest.mark.parametrize(
    ("text", "verb"),
    [("START", Verb.START), ("unstop", Verb.START), ("HELP", Verb.HELP), ("help!", Verb.HELP), ("?", Verb.HELP)],
)
def test_start_undoes_and_help_explains(text: str, verb: Verb) -> None:
    assert read_replies(text) == (Reply(verb),)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for reply in read_replies(text):
        assert reply.number is None or 0 <= reply.number <= LARGEST_NUMBER


@settings(max_examples=200, deadline=None)
@given(
    word=st.sampled_from(sorted(WORDS)), number=st.integers(0, 99_999), blank=st.sampled_from(["", " ", "\u00a0", " #"])
)
def test_a_word_and_a_number_are_always_understood(word: str, number: int, blank: str) -> None:
    assert read_replies(f"{word.title()}{blank}{number}.") == (Reply(WORDS[word], number),)
