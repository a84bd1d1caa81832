import math
from collections.abc import Sequence

import pytest

from vae_tui.runs.series import Along, Point, Series, Track, against


def series_of(values: Sequence[float | None]) -> Series:
    track = Track(["figure"])
    for step, value in enumerate(values):
        track.append(step, step / 10, 1000 + step, [value])
    return track.series["figure"]


def without_gaps(points: Sequence[Point]) -> list[Point]:
    return [(x, y) for x, y in points if math.isfinite(y)]


def test_thinning_keeps_the_extremes_of_every_column() -> None:
    values = [math.sin(step / 700) + (5 if step == 4321 else 0) for step in range(10_000)]
    thinned = series_of(values).thin(50)
    assert len(thinned) <= 100
    assert (4321, values[4321]) in thinned
    assert min(y for _, y in thinned) == min(values)
    assert [x for x, _ in thinned] == sorted(x for x, _ in thinned)


def test_thinning_keeps_the_last_point() -> None:
    series = series_of([step % 7 for step in range(5_000)])
    assert series.thin(50)[-1] == (4999, 4999 % 7)
    assert [series.at(step) for step in (-1, 0, 9, 10_000)] == [None, 0, 2, 4999 % 7]


def test_few_points_are_not_thinned() -> None:
    series = series_of([3.0, 1.0, 2.0])
    assert series.thin(50) == [(0, 3.0), (1, 1.0), (2, 2.0)]
    assert series_of([]).thin(50) == []


def test_column_means_average_what_falls_into_a_column() -> None:
    assert series_of([1.0, 3.0, 10.0, 20.0]).column_means(2) == [(0.5, 2.0), (2.5, 15.0)]
    assert series_of([4.0]).column_means(7) == [(0.0, 4.0)]
    assert series_of([]).column_means(7) == []


def test_rows_know_what_was_measured_and_between_points_a_gap_is_left() -> None:
    series = series_of([1.0, None, math.nan, 4.0])
    first, gap, last = series.points()
    assert (first, last) == ((0, 1.0), (3, 4.0))
    assert math.isnan(gap[1])
    assert series.gaps() == [1, 2]
    assert list(series.seconds) == pytest.approx([0.0, 0.3])
    assert [series.value(index) for index in range(4)] == [1.0, None, None, 4.0]


def test_a_track_forgets_what_came_after_a_step() -> None:
    track = Track(["one", "two"])
    for step in range(5):
        track.append(step, float(step), 1000.0 + step, [float(step), None if step % 2 else 9.0])
    track.truncate(2)
    assert (len(track), len(track.series["two"]), track.index(99)) == (3, 2, 2)
    assert track.row(1) == {"one": 1.0, "two": None}
    track.append(7, 7.0, 1007.0, [7.0, 8.0])
    assert without_gaps(track.series["two"].points()) == [(0, 9.0), (2, 9.0), (7, 8.0)]


def test_a_gap_between_two_columns_shows_however_much_is_thinned() -> None:
    values = [None if 400 <= step < 600 else float(step) for step in range(1000)]
    for points in (series_of(values).thin(20), series_of(values).column_means(20)):
        gaps = [index for index, (_, y) in enumerate(points) if math.isnan(y)]
        assert len(gaps) == 1
        before, after = points[gaps[0] - 1], points[gaps[0] + 1]
        assert before[1] < 400
        assert after[1] >= 600


def test_a_stretch_has_as_many_columns_as_the_whole_and_a_point_beside_each_end() -> None:
    series = series_of([float(step) for step in range(10_000)])
    shown = series.thin(1000, Along(low=2000, high=2100))
    assert [x for x, _ in shown] == list(range(1999, 2102))
    assert series.thin(1000, Along(low=99_999, high=100_000)) == [(9999, 9999.0)]


def test_along_a_logarithm_each_decade_has_as_many_columns() -> None:
    series = series_of([float(step) for step in range(10_001)])
    xs = [x for x, _ in series.column_means(40, Along(log=True))]
    assert 0 <= xs[0] < xs[-1] <= 4
    assert sum(x < 1 for x in xs) >= 5
    assert sum(x > 3 for x in xs) == pytest.approx(10, abs=1)


def test_along_the_clock_a_point_lies_at_its_time_though_the_clock_is_set_back() -> None:
    track = Track(["figure"])
    for step, time in enumerate([100.0, 110.0, 50.0, 120.0]):
        track.append(step, float(step), time, [1.0])
    assert [x for x, _ in track.series["figure"].points(Along("clock"))] == [100, 110, 110, 120]


def test_what_was_read_once_is_read_anew_when_there_is_more() -> None:
    track = Track(["figure"])
    track.append(0, 0.0, 0.0, [1.0])
    assert track.series["figure"].thin(10) == [(0, 1.0)]
    track.append(1, 1.0, 1.0, [2.0])
    assert track.series["figure"].thin(10) == [(0, 1.0), (1, 2.0)]
    track.truncate(0)
    track.append(1, 1.0, 1.0, [3.0])
    assert track.series["figure"].thin(10) == [(0, 1.0), (1, 3.0)]


def test_one_figure_over_another_is_a_way_in_the_order_of_time() -> None:
    xs, ys = [5.0, 4.0, math.nan, 2.0, 1.0], [10.0, 20.0, 30.0, 40.0, 50.0]
    assert against(xs, ys, 10) == [(5.0, 10.0), (4.0, 20.0), (2.0, 40.0), (1.0, 50.0)]
    assert against(xs, ys, 2) == [(4.5, 15.0), (1.5, 45.0)]
    assert against([], [], 10) == []
