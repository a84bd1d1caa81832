import math
from collections.abc import Sequence

import pytest

from vae_tui.runs.series import Series, Track


def series_of(values: Sequence[float | None]) -> Series:
    track = Track(["figure"])
    for step, value in enumerate(values):
        track.append(step, step / 10, [value])
    return track.series["figure"]


def test_thinning_keeps_the_extremes_of_every_column() -> None:
    values = [math.sin(step / 700) + (5 if step == 4321 else 0) for step in range(10_000)]
    thinned = series_of(values).thin(50)
    assert len(thinned) <= 100
    assert (4321, values[4321]) in thinned
    assert min(y for _, y in thinned) == min(values)
    assert [x for x, _ in thinned] == sorted(x for x, _ in thinned)


def test_few_points_are_not_thinned() -> None:
    series = series_of([3.0, 1.0, 2.0])
    assert series.thin(50) == [(0, 3.0), (1, 1.0), (2, 2.0)]
    assert series_of([]).thin(50) == []


def test_column_means_average_what_falls_into_a_column() -> None:
    assert series_of([1.0, 3.0, 10.0, 20.0]).column_means(2) == [(0.5, 2.0), (2.5, 15.0)]
    assert series_of([4.0]).column_means(7) == [(0.0, 4.0)]
    assert series_of([]).column_means(7) == []


def test_gaps_are_no_points_and_rows_know_them() -> None:
    series = series_of([1.0, None, math.nan, 4.0])
    assert series.points() == [(0, 1.0), (3, 4.0)]
    assert list(series.seconds) == pytest.approx([0.0, 0.3])
    assert [series.value(index) for index in range(4)] == [1.0, None, None, 4.0]


def test_a_track_forgets_what_came_after_a_step() -> None:
    track = Track(["one", "two"])
    for step in range(5):
        track.append(step, float(step), [float(step), None if step % 2 else 9.0])
    track.truncate(2)
    assert (len(track), len(track.series["two"]), track.index(99)) == (3, 2, 2)
    assert track.row(1) == {"one": 1.0, "two": None}
    track.append(7, 7.0, [7.0, 8.0])
    assert track.series["two"].points() == [(0, 9.0), (2, 9.0), (7, 8.0)]
