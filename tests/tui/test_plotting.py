"""Charts as plotext draws them: what stands in which cell, in which colour."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from vae_tui.tui.chart_spec import ChartSpec, Curve
from vae_tui.tui.plotting import draw_chart, frame_chart

COLORS = {
    "train": (1, 2, 3),
    "validation": (4, 5, 6),
    "best": (7, 8, 9),
    "rate": (10, 11, 12),
    "faint": (90, 91, 92),
    "line": (93, 94, 95),
}


def ink(color: str, faint: bool) -> tuple[int, int, int]:
    red, green, blue = COLORS[color]
    return (red + 100, green, blue) if faint else (red, green, blue)


def spec(
    *curves: Curve, left: tuple[float, float] = (0.0, 10.0), right: tuple[float, float] | None = None
) -> ChartSpec:
    return ChartSpec(curves, "step", (0.0, 100.0), left, right)


def line(*ys: float, color: str = "train", faint: bool = False, right: bool = False) -> Curve:
    return Curve([(100.0 * i / (len(ys) - 1), y) for i, y in enumerate(ys)], color, "*", faint=faint, right=right)


def draw(chart: ChartSpec, columns: int = 60, rows: int = 16, *, plain: bool = False) -> list[str]:
    """The rows without their colours."""
    drawn = draw_chart(chart, columns, rows, ink, plain=plain)
    return [drawn.text(row) for row in range(len(drawn))] if drawn else []


def colored(chart: ChartSpec, color: tuple[int, int, int], columns: int = 60, rows: int = 16) -> list[str]:
    """The rows, with blanks for all that has another colour."""
    found = []
    drawn = draw_chart(chart, columns, rows, ink)
    assert drawn is not None
    for row in range(len(drawn)):
        found.append("".join(text if ink_of == color else " " * len(text) for text, ink_of in drawn.runs(row)))
    return found


@pytest.mark.parametrize("size", [(16, 5), (44, 18), (60, 16), (120, 30), (200, 60)])
def test_a_chart_fills_its_size_and_no_more(size: tuple[int, int]) -> None:
    columns, rows = size
    for chart in (spec(line(1, 9)), spec(line(1, 9), line(3, 4, color="rate", right=True), right=(3, 4))):
        assert [len(row) for row in draw(chart, columns, rows)] == [columns] * rows


@pytest.mark.parametrize("rows", range(10, 61, 5))
@pytest.mark.parametrize("columns", range(40, 201, 20))
def test_ticks_at_equal_differences_stand_equally_far_apart(columns: int, rows: int) -> None:
    drawn = draw(spec(line(0, 9)), columns, rows)
    up = [number for number, row in enumerate(drawn) if "┤" in row]
    across = [number for number, character in enumerate(drawn[-2]) if character == "┬"]
    for places in (up, across):
        assert len(places) >= 3
        assert len({after - before for before, after in pairwise(places)}) == 1


def test_values_stand_in_the_rows_and_columns_of_their_ticks() -> None:
    for value in (0, 5, 10):
        drawn = draw(spec(line(0, 10), Curve([(50.0, float(value))], "best", "@", marker="◆")), 60, 26)
        (row,) = [row for row in drawn if "◆" in row]
        assert row.split("┤")[0].strip() == str(value)
        assert drawn[-2][row.index("◆")] == "┬"


def test_a_level_line_runs_from_edge_to_edge() -> None:
    (row,) = [row for row in colored(spec(line(5, 5)), COLORS["train"]) if row.strip()]
    assert len(row.strip()) >= 54
    assert len(set(row.strip()[1:-1])) == 1


def test_a_slope_has_no_gaps() -> None:
    rows = colored(spec(line(0, 10)), COLORS["train"])[:-2]
    assert all(row.strip() for row in rows[1:-1])
    filled = {column for row in rows for column, character in enumerate(row) if character != " "}
    assert filled == set(range(min(filled), max(filled) + 1))


@pytest.mark.parametrize("far", [1e4, 1e12, 1e300, -1e300])
def test_what_lies_outside_is_left_out_however_far_it_is(far: float) -> None:
    rows = colored(spec(line(5, far, 5, -far, 5)), COLORS["train"])
    assert any(row.strip() for row in rows)


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_leaves_a_gap(missing: float) -> None:
    (row,) = [row for row in colored(spec(line(5, 5, 5, missing, missing, 5, 5, 5)), COLORS["train"]) if row.strip()]
    assert len(row.split()) == 2
    assert not any(row.strip() for row in colored(spec(line(missing, missing)), COLORS["train"]))


def test_a_curve_over_a_faint_one_looks_as_if_it_were_alone() -> None:
    smooth = line(*(5 + 3 * math.sin(i / 9) for i in range(80)))
    raw = line(*(5 + 3 * math.sin(i / 9) + 2 * math.sin(7 * i) for i in range(80)), faint=True)
    assert colored(spec(raw, smooth), COLORS["train"]) == colored(spec(smooth), COLORS["train"])
    assert sum(character != " " for row in colored(spec(raw, smooth), (101, 2, 3)) for character in row) > 50


def test_two_axes_are_labelled_in_the_colours_of_their_curves() -> None:
    chart = spec(line(1, 9), line(300, 900, color="rate", right=True), right=(300, 900))
    assert any(re.search(r"├\d+", row) for row in draw(chart))
    assert {"400", "600", "800"} <= {word for row in colored(chart, COLORS["rate"]) for word in row.split()}
    assert {"0", "5", "10"} <= {word for row in colored(chart, COLORS["train"]) for word in row.split()}
    assert colored(chart, COLORS["faint"])[-2].strip().startswith("└")
    assert colored(chart, COLORS["faint"])[-2].strip().endswith("┘")


def test_plain_curves_are_signs_in_ascii() -> None:
    raw = Curve([(float(x), 3.0) for x in range(100)], "train", ".", faint=True)
    best = Curve([(50.0, 7.0)], "best", "@", marker="◆")
    rows = draw(spec(raw, line(7, 7), best), plain=True)[:-2]
    inside = [re.split("[┤│]", row)[1] for row in rows]
    assert "".join(inside).isascii()
    assert {character for row in inside for character in row} == {" ", ".", "*", "@"}


def test_the_last_value_stands_beside_the_end_of_its_curve_in_its_color() -> None:
    level = Curve(line(5, 5).points, "train", "*", name="train", ending="5.00")
    (row,) = [row for row in colored(spec(level), COLORS["train"]) if "5.00" in row]
    assert row.endswith("5.00")
    assert "train 5.00" in "".join(draw(spec(level), plain=True))


def test_a_last_value_hides_no_curve() -> None:
    points = [(x, float(y)) for x in range(60, 101) for y in (0, 10)]
    scribble = Curve(points, "rate", "+")
    level = Curve(line(5, 5).points, "train", "*", ending="5.00")
    assert "5.00" not in "".join(draw(spec(scribble, level)))


def test_light_dots_lead_from_the_numbers_of_an_axis_and_hide_nothing() -> None:
    rows = draw(spec(line(5, 5)))
    numbered = [row for row in rows if re.match(r"\s*\d+┤", row)]
    assert numbered
    assert all("·" in row for row in numbered if row.count("·"))
    bare = [row for row in rows if "·" in row]
    assert all(re.match(r"\s*\d+┤", row) for row in bare)
    assert not any("·" in row and any("\u2801" <= cell <= "\u28ff" for cell in row) for row in rows)


def test_signs_are_written_where_they_belong_the_lowest_row_for_minus_infinity() -> None:
    marked = Curve(
        (), "best", "@", marker="◆", signed_at=[(0.0, -math.inf), (100.0, 9.5), (50.0, math.nan), (200.0, 5.0)]
    )
    rows = draw(spec(line(5, 5), marked))
    assert "".join(rows).count("◆") == 2
    assert "◆" in rows[-3]
    assert any(row.rstrip().endswith("◆") for row in rows[:3])
    assert "@" in draw(spec(line(5, 5), marked), plain=True)[-3]


def test_curves_of_one_color_drawn_together_are_not_joined_to_each_other() -> None:
    first, second = Curve([(0.0, 1.0), (20.0, 1.0)], "train", "*"), Curve([(80.0, 9.0), (100.0, 9.0)], "train", "*")
    between = [row[20:45] for row in colored(spec(first, second), COLORS["train"])]
    assert not "".join(between).strip()


def test_a_click_finds_its_place_on_a_logarithmic_axis() -> None:
    chart = replace(spec(line(1, 9)), across=(0.0, 3.0), log_across=True)
    frame = frame_chart(chart, 60, 16)
    assert frame is not None
    assert frame.value_at(frame.first) == pytest.approx(1.0)
    assert frame.value_at(frame.first + frame.inside - 1) == pytest.approx(1000.0)


def test_nothing_is_printed_nor_asked_of_the_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: pytest.fail("asked for the size of the terminal"))
    monkeypatch.setenv("COLUMNS", "10")
    assert len(draw(spec(line(1, 2)), 100, 20)[0]) == 100
    assert capfd.readouterr() == ("", "")
