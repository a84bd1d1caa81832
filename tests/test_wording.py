import math

import pytest

from vae_tui.wording import (
    counted,
    format_age,
    format_bytes,
    format_clock,
    format_nats,
    format_percent,
    format_setting,
    format_speed,
    join_whole,
    shorten,
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (format_nats(142.314), "142.31"),
        (format_nats(1234.56), "1,234.6"),
        (format_nats(-54321.0), "-54,321"),
        (format_nats(-0.004), "0.00"),
        (format_percent(-0.2), "0 %"),
        (format_nats(None), "–"),
        (format_nats(math.nan), "–"),
        (format_setting(1e-3), "1e-3"),
        (format_setting(5e-4), "5e-4"),
        (format_setting(3.16e-4), "3.16e-4"),
        (format_setting(0.35), "0.35"),
        (format_setting(10.0), "10"),
        (format_setting(0.0), "0"),
        (format_speed(870.4), "870"),
        (format_speed(21_432), "21.4k"),
        (format_speed(1_204_000), "1.2M"),
        (format_percent(95.6), "96 %"),
        (counted(0, "image"), "0 images"),
        (counted(1, "epoch"), "1 epoch"),
        (counted(1797, "training image"), "1,797 training images"),
        (counted(2, "class"), "2 classes"),
        (counted(3, "epoch"), "3 epochs"),
        (counted(4, "batch"), "4 batches"),
        (format_age(-3.0), "0 s"),
        (format_age(59.9), "59 s"),
        (format_age(7200.0), "2 h"),
        (format_age(None), "–"),
        (format_bytes(1), "1 KiB"),
        (format_bytes(932_000_000), "889 MiB"),
        (format_bytes(1.5 * 2**30), "1.5 GiB"),
        (format_clock(72), "01:12"),
        (format_clock(7384), "2:03:04"),
        (format_clock(3 * 86400 + 4 * 3600), "3 d 04 h"),
        (format_clock(None), "–"),
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
