import math
from datetime import datetime
from itertools import pairwise

import pytest

from vae_tui.tui.axes import readable_range, rule_across, rule_upwards, rule_upwards_by_decades


@pytest.mark.parametrize(
    ("low", "high", "rows", "labels"),
    [
        (98.3, 131.0, 12, ["100", "110", "120", "130"]),
        (0.0, 5600.0, 12, ["0", "2,000", "4,000"]),
        (0.02, 0.97, 20, ["0.0", "0.2", "0.4", "0.6", "0.8"]),
        (-400.0, -120.0, 9, ["-400", "-300", "-200"]),
        (21.5, 28.0, 9, ["22", "24", "26", "28"]),
        (0.00012, 0.00058, 15, ["0.0002", "0.0003", "0.0004", "0.0005", "0.0006"]),
    ],
)
def test_ticks_stand_at_round_numbers(low: float, high: float, rows: int, labels: list[str]) -> None:
    ruler = rule_upwards((low, high), rows)
    assert ruler.labels == labels
    assert ruler.low <= low < high <= ruler.high
    assert all(ruler.low <= tick <= ruler.high for tick in ruler.ticks)


@pytest.mark.parametrize("rows", [*range(5, 40), 58])
@pytest.mark.parametrize("extent", [(98.3, 131.0), (0.0, 1.0), (-400.0, -120.0), (21.5, 28.0), (0.00012, 0.00058)])
def test_ticks_stand_in_the_middle_of_rows_that_are_equally_far_apart(extent: tuple[float, float], rows: int) -> None:
    ruler = rule_upwards(extent, rows)
    places = [(tick - ruler.low) / (ruler.high - ruler.low) * rows - 0.5 for tick in ruler.ticks]
    assert places == pytest.approx([round(place) for place in places], abs=1e-6)
    assert len({round(after - before) for before, after in pairwise(places)}) == 1
    assert len(places) >= 3 or rows < 8


@pytest.mark.parametrize("columns", [*range(12, 140, 7)])
@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
@pytest.mark.parametrize("last", [0.4, 7, 99, 1380, 86_399])
def test_ticks_stand_in_columns_that_are_equally_far_apart(axis: str, last: float, columns: int) -> None:
    ruler = rule_across(axis, (0.0, last), columns)
    assert (ruler.low, ruler.ticks[0]) == (0.0, 0.0)
    assert ruler.high >= last
    places = [tick / ruler.high * (columns - 1) for tick in ruler.ticks]
    assert places == pytest.approx([round(place) for place in places], abs=1e-6)


def test_little_of_an_axis_is_left_empty() -> None:
    spare = [rule_across("step", (0.0, float(last)), 60).high / last - 1 for last in range(100, 3000, 7)]
    assert max(spare) < 0.15
    assert sum(spare) / len(spare) < 0.06


def test_time_is_shown_as_a_clock_does() -> None:
    assert rule_across("time", (0, 95), 60).labels == ["00:00", "00:30", "01:00", "01:30"]
    assert rule_across("time", (0, 9000), 60).labels == ["00:00", "1:00:00", "2:00:00"]
    assert rule_across("time", (0, 7 * 86400), 60).labels == ["00:00", "2 d 00 h", "4 d 00 h", "6 d 00 h"]


def test_steps_and_epochs_are_whole_numbers() -> None:
    assert rule_across("epoch", (0, 3.2), 100).labels == ["0", "1", "2", "3"]
    assert rule_across("step", (0, 12_000), 60).labels == ["0", "5,000", "10,000"]


def test_logarithmic_ticks_stand_where_their_numbers_are() -> None:
    decades = rule_upwards_by_decades((0, 3), 15)
    assert decades.ticks == [0, 1, 2, 3]
    assert decades.labels == ["1", "10", "100", "1,000"]
    within = rule_upwards_by_decades((2.0, 2.3), 12)
    assert within.labels == ["100", "120", "140", "160", "180"]
    assert within.ticks[0] == pytest.approx(2.0)


def test_a_steep_beginning_and_a_lone_spike_do_not_flatten_the_curve() -> None:
    curve = [(float(step), 100 + 400 / (1 + step)) for step in range(1000)]
    curve[700] = (700.0, 1e9)
    extent = readable_range([curve], least=0.0)
    assert extent is not None
    assert extent[1] < 120
    assert 99 < extent[0] < 101


def test_what_is_not_finite_has_no_part_in_a_range() -> None:
    curve = [(float(step), math.nan if step % 2 else 5.0) for step in range(100)]
    extent = readable_range([curve, [(3.0, math.inf)]], least=0.1)
    assert extent is not None
    assert 4 < extent[0] < 5 < extent[1] < 6


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


def test_a_clock_stands_at_round_times_of_day() -> None:
    began = datetime(2026, 11, 26, 13, 58, 10).timestamp()
    ruler = rule_across("clock", (began, began + 900), 80)
    assert [datetime.fromtimestamp(tick).second for tick in ruler.ticks] == [0] * len(ruler.ticks)
    assert "14:00" in ruler.labels
    days = rule_across("clock", (began, began + 9 * 86_400), 80)
    assert {"11-27", "11-29", "12-01"} <= set(days.labels)
    assert {datetime.fromtimestamp(tick).hour for tick in days.ticks} == {0}


def test_a_logarithmic_axis_across_stands_at_powers_of_ten_or_round_numbers_between() -> None:
    assert set(rule_across("step", (1.0, 4.0), 60, log=True).labels) >= {"10", "100", "1,000", "10,000"}
    near = rule_across("step", (3.0, 3.2), 60, log=True)
    assert len(near.ticks) >= 2
    assert all(3.0 <= tick <= 3.2 for tick in near.ticks)


@pytest.mark.parametrize("columns", [24, 34, 60, 110])
@pytest.mark.parametrize("extent", [(3127.0, 4440.0), (0.0, 1_000_000.0), (99_900.0, 100_000.0)])
def test_there_is_room_for_every_label_across(extent: tuple[float, float], columns: int) -> None:
    ruler = rule_across("step", extent, columns)
    assert sum(len(label) + 2 for label in ruler.labels) <= columns + 2
