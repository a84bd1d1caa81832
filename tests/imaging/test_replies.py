"""Answers are taken out of what is typed, however they come."""

from __future__ import annotations

import itertools

import pytest

from vae_tui.imaging.replies import ReplyFilter

KITTY = b"\x1b_Gi=31;OK\x1b\\"
NAME = b"\x1bP>|kitty(0.26.5)\x1b\\"
CELL = b"\x1b[6;18;9t"
TEXT = b"\x1b[4;720;1280t"
COLOR = b"\x1bP1$r0;48:2:1:2:3m\x1b\\"
ATTRIBUTES = b"\x1b[?62;4;22c"
ALL = KITTY + NAME + CELL + TEXT + COLOR + ATTRIBUTES
PASTE = b"\x1b[200~pasted \xe2\x82\xac text\x1b[201~"
KEYS = (
    b"q\x1b[A\x1b[4~\x1b[6;5~\x1b[1;2R\x1bOP\x1bx\xc3\xa9\x1b[<0;10;20M\x1b[?2026;2$y\x1b[97;;97u\x1b[48;24;80;480;800t"
)


def asked(now: float = 0.0) -> ReplyFilter:
    filter_ = ReplyFilter()
    filter_.ask(now)
    return filter_


def check(filter_: ReplyFilter) -> None:
    answers = filter_.answers
    assert answers.complete
    assert answers.kitty
    assert answers.name == "kitty(0.26.5)"
    assert (answers.cell, answers.text_area) == ((18, 9), (720, 1280))
    assert answers.truecolor
    assert answers.attributes == (62, 4, 22)


def test_answers_are_understood_and_nothing_of_them_gets_through() -> None:
    filter_ = asked()
    assert filter_.feed(ALL, 0.05) == b""
    check(filter_)
    assert filter_.answers.seconds == pytest.approx(0.05)


@pytest.mark.parametrize("split", range(1, len(ALL)))
def test_split_at_any_byte_with_keys_before_and_after(split: int) -> None:
    filter_ = asked()
    passed = filter_.feed(b"a" + ALL[:split], 0.1)
    passed += filter_.release(0.59)
    passed += filter_.feed(ALL[split:] + b"b", 0.6)
    assert passed == b"ab"
    check(filter_)


def test_a_byte_at_a_time() -> None:
    filter_ = asked()
    moments = itertools.count(0.1, 0.002)
    passed = b"".join(filter_.feed(bytes([value]), next(moments)) for value in KEYS + ALL + PASTE + KEYS)
    assert passed == KEYS + PASTE + KEYS
    check(filter_)


@pytest.mark.parametrize("answer", [KITTY, NAME, CELL, TEXT, COLOR, ATTRIBUTES])
def test_answers_between_keys_and_pastes(answer: bytes) -> None:
    filter_ = asked()
    assert filter_.feed(KEYS + answer + PASTE + answer + KEYS, 0.1) == KEYS + PASTE + KEYS


@pytest.mark.parametrize("late", [1.2, 3.0, 60.0])
def test_late_answers_are_no_keys_either_and_still_count(late: float) -> None:
    filter_ = asked()
    assert filter_.outstanding(0.9)
    assert not filter_.outstanding(1.1)
    assert filter_.feed(b"x" + ALL + b"y", late) == b"xy"
    check(filter_)


@pytest.mark.parametrize("split", range(1, len(ALL)))
def test_late_answers_in_two_reads(split: int) -> None:
    filter_ = asked()
    assert filter_.feed(ALL[:split], 3.0) + filter_.release(3.05) + filter_.feed(ALL[split:], 3.06) == b""
    check(filter_)


def test_keys_get_through_byte_for_byte() -> None:
    filter_ = asked()
    assert filter_.feed(KEYS + PASTE, 0.1) == KEYS + PASTE


@pytest.mark.parametrize("now", [0.1, 2.0])
def test_a_lone_escape_key_gets_through(now: float) -> None:
    filter_ = asked()
    assert filter_.feed(b"\x1b", now) == b""
    wait = filter_.next_release(now)
    assert wait is not None
    assert filter_.release(now + wait) == b"\x1b"
    assert filter_.next_release(now + wait) is None


def test_an_escape_key_is_not_held_once_the_terminal_has_answered_or_never_will() -> None:
    filter_ = asked()
    filter_.feed(ALL, 0.1)
    assert filter_.feed(b"\x1b", 0.2) == b"\x1b"
    silent = asked()
    assert silent.feed(b"\x1b", 11.0) == b"\x1b"
    assert ReplyFilter().feed(b"\x1b", 0.0) == b"\x1b"


def test_two_escapes_are_two_keys() -> None:
    filter_ = asked()
    assert filter_.feed(b"\x1b\x1b", 0.1) + filter_.release(1.0) == b"\x1b\x1b"


@pytest.mark.parametrize("key", [b"\x1bP", b"\x1b_", b"\x1b["])
def test_alt_keys_that_look_like_a_beginning_get_through(key: bytes) -> None:
    filter_ = asked()
    assert filter_.feed(key, 0.1) + filter_.release(0.7) == key


@pytest.mark.parametrize("split", [4, 10, len(KITTY) + 6, len(KITTY + NAME) + 3, len(ALL) - 1])
def test_an_answer_that_stalls_on_the_way_is_waited_for(split: int) -> None:
    filter_ = asked()
    passed = filter_.feed(ALL[:split], 0.1) + filter_.release(2.0) + filter_.feed(ALL[split:] + b"q", 2.1)
    assert passed == b"q"
    check(filter_)


def test_what_a_broken_line_left_of_a_string_is_not_typed() -> None:
    filter_ = asked()
    assert filter_.feed(b"\x1bP>|xterm(3", 0.1) + filter_.release(5.0) == b""
    assert filter_.feed(b"q", 5.1) == b"q"


def test_a_terminal_without_graphics_or_colours_says_so_by_what_it_leaves_out() -> None:
    filter_ = asked()
    filter_.feed(b"\x1b[4;0;0t\x1bP0$r\x1b\\\x1b[?1;2c", 0.1)
    answers = filter_.answers
    assert answers.complete
    assert not answers.kitty
    assert not answers.truecolor
    assert answers.text_area is None
    assert answers.attributes == (1, 2)


@pytest.mark.parametrize("kept", [b"48;2;1;2;3", b"48:2::1:2:3", b"0;48:2:1:2:3"])
def test_an_exact_colour_is_recognised_as_terminals_write_it(kept: bytes) -> None:
    filter_ = asked()
    filter_.feed(b"\x1bP1$r" + kept + b"m\x1b\\", 0.1)
    assert filter_.answers.truecolor


def test_a_colour_that_was_rounded_is_not_exact() -> None:
    filter_ = asked()
    filter_.feed(b"\x1bP1$r48;5;16m\x1b\\\x1bP1$r48:2:1:2:30m\x1b\\", 0.1)
    assert not filter_.answers.truecolor


def test_acknowledgements_are_counted_and_never_typed() -> None:
    filter_ = ReplyFilter()
    filter_.await_acknowledgement()
    assert filter_.feed(b"a\x1b", 0.0) + filter_.release(0.3) + filter_.feed(b"[0nb", 0.4) == b"ab"
    assert filter_.acknowledged == 1
    assert filter_.feed(b"\x1b", 0.5) == b"\x1b"
