import math

import pytest

from vae_tui.tui.wording import join_whole, say_bytes, say_clock, say_nats, say_percent, say_setting, say_speed, shorten


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (say_nats(142.314), "142.31"),
        (say_nats(1234.56), "1,234.6"),
        (say_nats(-54321.0), "-54,321"),
        (say_nats(None), "–"),
        (say_nats(math.nan), "–"),
        (say_setting(1e-3), "1e-3"),
        (say_setting(5e-4), "5e-4"),
        (say_setting(3.16e-4), "3.16e-4"),
        (say_setting(0.35), "0.35"),
        (say_setting(10.0), "10"),
        (say_setting(0.0), "0"),
        (say_speed(870.4), "870"),
        (say_speed(21_432), "21.4k"),
        (say_speed(1_204_000), "1.2M"),
        (say_percent(95.6), "96 %"),
        (say_bytes(932_000_000), "889 MiB"),
        (say_bytes(1.5 * 2**30), "1.5 GiB"),
        (say_clock(72), "01:12"),
        (say_clock(7384), "2:03:04"),
        (say_clock(3 * 86400 + 4 * 3600), "3 d 04 h"),
        (say_clock(None), "–"),
        (join_whole(["one", "two", "three"], "  ", 15), "one  two  three"),
        (join_whole(["one", "two", "three"], "  ", 14), "one  two  …"),
        (join_whole([], "  ", 14), ""),
        (shorten("this; that", 10), "this; that"),
        (shorten("this; that; and something else", 28), "this; that  ? tells more"),
        (shorten("of one clause", 5), "of one clause"),
    ],
)
def test_numbers_as_a_person_reads_them(said: str, expected: str) -> None:
    assert said == expected
