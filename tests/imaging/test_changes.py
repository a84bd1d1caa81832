import numpy as np

from vae_tui.imaging.changes import find_runs


def test_runs_cover_every_change_and_join_what_nearly_touches() -> None:
    changed = np.zeros((3, 12), bool)
    changed[0, [0, 1, 4, 9]] = True
    changed[2, 11] = True
    assert find_runs(changed) == [(0, 0, 5), (0, 9, 10), (2, 11, 12)]
    assert find_runs(np.zeros((3, 12), bool)) == []
    assert find_runs(np.ones((1, 5), bool)) == [(0, 0, 5)]
