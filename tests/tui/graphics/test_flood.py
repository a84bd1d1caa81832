from __future__ import annotations

import pytest

from vae_tui.tui.graphics.flood import Flood, OpenPaste


def test_what_people_type_comes_through_at_once() -> None:
    flood = Flood()
    keys = [b"q", b"\x1b[A", b"\x1b", "é".encode(), b"\x1b[<35;10;10M" * 8]
    assert [flood.feed(key, index / 10, text=False) for index, key in enumerate(keys)] == keys
    assert flood.next_release(1.0) is None


def test_a_flood_is_its_last_key_where_nothing_is_typed_into() -> None:
    flood = Flood()
    passed = b"".join(flood.feed(b"stop and delete " * 256, index / 1000, text=False) for index in range(100))
    assert passed == b""
    assert flood.feed(b"q", 0.1, text=False) + flood.release(0.3) == b"q"


def test_of_a_flood_into_a_prompt_the_beginning_is_kept() -> None:
    flood = Flood()
    passed = b"".join(flood.feed(b"x" * 4096, index / 1000) for index in range(250))
    assert 1024 <= len(passed) < 3000


def test_a_paste_is_cut_and_its_end_told() -> None:
    flood = Flood()
    passed = (
        flood.feed(b"a\x1b[20", 0.0) + flood.feed(b"0~" + b"x" * 100_000 + b"\x1b[2", 0.01) + flood.feed(b"01~q", 0.02)
    )
    assert passed == b"a\x1b[200~" + b"x" * 4096 + b"\x1b[201~q"


def test_a_paste_whose_end_was_lost_ends_with_a_pause() -> None:
    flood = Flood()
    assert flood.feed(b"\x1b[200~abc", 0.0) == b"\x1b[200~abc"
    assert flood.next_release(0.1) is not None
    assert flood.release(0.6) == b"\x1b[201~"
    assert flood.feed(b"q", 0.7, text=False) == b"q"


@pytest.mark.parametrize("cut", range(2, 24))
def test_sequences_within_a_paste_lose_their_escapes_and_its_end_is_told_wherever_it_is_cut(cut: int) -> None:
    flood, sent = Flood(), b"\x1b[200~a\x1bP>|b\x1b]c\x1b[201~n"
    come = flood.feed(sent[:cut], 1.0) + flood.feed(sent[cut:], 1.01)
    assert come + flood.release(2.0) == b"\x1b[200~aP>|b]c\x1b[201~n"


def test_a_paste_whose_end_was_taken_for_anothers_ends_all_the_same() -> None:
    paste = OpenPaste()
    paste.feed(b"x\x1b", 1.0)
    paste.feed(b"[200~text", 1.1)
    assert paste.release(2.0) == b""
    assert paste.release(3.5) == b"\x1b[201~"
    paste.feed(b"\x1b[201~", 3.5)
    assert paste.release(9.0) == b""
