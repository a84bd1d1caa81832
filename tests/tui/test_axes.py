import pytest

from vae_tui.tui.axes import log_ticks, readable_range, round_ticks, ticks_along


@pytest.mark.parametrize(
    ("low", "high", "most", "labels"),
    [
        (98.3, 131.0, 4, ["100", "110", "120", "130"]),
        (0.0, 5600.0, 4, ["0", "2,000", "4,000"]),
        (0.0, 1.0, 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-400.0, -120.0, 3, ["-400", "-300", "-200"]),
        (21.5, 28.0, 3, ["22", "24", "26", "28"]),
        (0.00012, 0.00058, 5, ["0.0002", "0.0003", "0.0004", "0.0005"]),
    ],
)
def test_ticks_stand_at_round_numbers(low: float, high: float, most: int, labels: list[str]) -> None:
    positions, said = round_ticks(low, high, most)
    assert said == labels
    assert all(low <= position <= high for position in positions)


def test_time_is_told_by_the_clock() -> None:
    assert ticks_along("time", 0, 95, 5)[1] == ["00:00", "00:30", "01:00", "01:30"]
    assert ticks_along("time", 0, 9000, 4)[1] == ["00:00", "1:00:00", "2:00:00"]
    assert ticks_along("time", 0, 7 * 86400, 4)[1] == ["00:00", "2 d 00 h", "4 d 00 h", "6 d 00 h"]


def test_steps_and_epochs_are_told_in_whole_numbers() -> None:
    assert ticks_along("epoch", 0, 3.2, 8)[1] == ["0", "1", "2", "3"]
    assert ticks_along("step", 0, 12_000, 5)[1] == ["0", "5,000", "10,000"]


def test_logarithmic_ticks_stand_where_their_numbers_are() -> None:
    assert log_ticks(0, 3, 5) == ([0, 1, 2, 3], ["1", "10", "100", "1,000"])
    positions, labels = log_ticks(2.0, 2.3, 4)
    assert labels == ["100", "120", "140", "160", "180"]
    assert positions[0] == pytest.approx(2.0)


def test_a_steep_beginning_and_a_lone_spike_do_not_flatten_the_curve() -> None:
    curve = [(float(step), 100 + 400 / (1 + step)) for step in range(1000)]
    curve[700] = (700.0, 1e9)
    extent = readable_range([curve], least=0.0)
    assert extent is not None
    assert extent[1] < 120
    assert 99 < extent[0] < 101


def test_a_level_curve_looks_level() -> None:
    noise = [(float(step), 25 + 0.1 * (step % 3)) for step in range(100)]
    extent = readable_range([noise], least=0.25)
    assert extent is not None
    assert extent[1] - extent[0] == pytest.approx(0.25 * 25, rel=0.1)


def test_there_is_a_range_around_a_single_point_and_none_around_nothing() -> None:
    extent = readable_range([[(1.0, 50.0)]], least=0.0)
    assert extent is not None
    assert extent[0] < 50 < extent[1]
    assert readable_range([[], []], least=0.1) is None
    zero = readable_range([[(1.0, 0.0)]], least=0.1)
    assert zero is not None
    assert zero[0] < zero[1]
