import math
from collections.abc import Sequence

from vae_tui.runs.series import Series


def series_of(values: Sequence[float]) -> Series:
    series = Series()
    for step, value in enumerate(values):
        series.append(step, step / 10, value)
    return series


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
    assert Series().thin(50) == []


def test_column_means_average_what_falls_into_a_column() -> None:
    assert series_of([1.0, 3.0, 10.0, 20.0]).column_means(2) == [(0.5, 2.0), (2.5, 15.0)]
    assert series_of([4.0]).column_means(7) == [(0.0, 4.0)]
    assert Series().column_means(7) == []
