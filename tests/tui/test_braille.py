from vae_tui.tui.braille import cell_of, trace


def lines(codes: object) -> list[str]:
    return ["".join(chr(code) if code else " " for code in row) for row in codes]  # type: ignore[attr-defined]


def test_a_level_line_runs_from_edge_to_edge() -> None:
    assert lines(trace([(0, 0), (10, 0)], (0, 10), (0, 1), 4, 2)) == ["    ", "⣀⣀⣀⣀"]
    assert lines(trace([(0, 1), (10, 1)], (0, 10), (0, 1), 4, 2)) == ["⠉⠉⠉⠉", "    "]


def test_a_slope_has_no_gaps() -> None:
    codes = trace([(0, 0), (1, 1)], (0, 1), (0, 1), 3, 3)
    assert (codes > 0).sum(axis=0).all()
    assert (codes > 0).sum(axis=1).all()


def test_what_lies_outside_is_left_out_however_far_it_is() -> None:
    codes = trace([(0, 0.5), (1, 1e12), (2, 0.5), (3, -1e12), (4, 0.5)], (0, 4), (0, 1), 8, 4)
    assert codes.shape == (4, 8)
    assert (codes[:, 0] > 0).any()


def test_a_single_point_is_a_single_dot() -> None:
    assert lines(trace([(0, 0)], (0, 1), (0, 1), 2, 1)) == ["⡀ "]


def test_marks_fall_into_the_cells_of_their_dots() -> None:
    for value in (0.0, 0.13, 0.5, 0.87, 1.0):
        codes = trace([(value, value)], (0, 1), (0, 1), 9, 7)
        ((row,), (column,)) = codes.nonzero()
        assert (6 - row, column) == (cell_of(value, (0, 1), 7, 4), cell_of(value, (0, 1), 9, 2))
