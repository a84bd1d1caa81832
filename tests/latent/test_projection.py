from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from vae_tui.errors import VaeTuiError
from vae_tui.latent import projection as projection_module
from vae_tui.latent.codes import Codes
from vae_tui.latent.projection import Projection, project_dimensions, project_pca, project_tsne


def check_a_plane_goes_both_ways(found: Projection, codes: Codes) -> None:
    latent = codes.mean[7]
    placed = found.place(latent)
    assert placed is not None
    np.testing.assert_allclose(placed, found.coordinates[7], atol=1e-4)
    assert found.nearest(placed) == 7
    target = np.array([0.5, -1.5], np.float32)
    lifted = found.lift(target, latent)
    assert lifted is not None
    arrived = found.place(lifted)
    assert arrived is not None
    np.testing.assert_allclose(arrived, target, atol=1e-4)
    assert found.directions is not None
    moved = lifted - latent
    np.testing.assert_allclose(moved, (moved @ found.directions.T) @ found.directions, atol=1e-4)


def test_two_dimensions_are_seen_as_they_are_and_the_rest_is_kept(codes: Codes) -> None:
    found = project_dimensions(codes, 3, 1)
    assert found.axes == ("z3", "z1")
    np.testing.assert_array_equal(found.coordinates, codes.mean[:, [3, 1]])
    check_a_plane_goes_both_ways(found, codes)
    lifted = found.lift(np.zeros(2, np.float32), codes.mean[0])
    assert lifted is not None
    np.testing.assert_array_equal(lifted[[0, 2, 4]], codes.mean[0, [0, 2, 4]])


@pytest.mark.parametrize(("first", "second", "complaint"), [(0, 5, "no latent dimension 5"), (2, 2, "two different")])
def test_there_must_be_two_dimensions(codes: Codes, first: int, second: int, complaint: str) -> None:
    with pytest.raises(VaeTuiError, match=complaint):
        project_dimensions(codes, first, second)


def test_principal_components_are_where_codes_vary_most(codes: Codes) -> None:
    found = project_pca(codes)
    assert found.directions is not None
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(2), atol=1e-5)
    np.testing.assert_allclose(np.abs(found.directions[0]).round(1), [0, 1, 0, 0, 0], atol=0.11)
    assert found.coordinates[:, 0].var() > found.coordinates[:, 1].var()
    assert found.axes[0].startswith("PC 1 (")
    check_a_plane_goes_both_ways(found, codes)


def test_one_dimension_is_a_flat_plane() -> None:
    mean = np.linspace(-1, 1, 9, dtype=np.float32)[:, None]
    found = project_pca(Codes(mean, np.zeros_like(mean)))
    np.testing.assert_array_equal(found.coordinates[:, 1], 0)
    lifted = found.lift(np.array([0.5, 3], np.float32), mean[0])
    assert lifted is not None
    np.testing.assert_allclose(lifted, [0.5], atol=1e-6)


def test_tsne_keeps_classes_apart_says_how_far_it_is_and_repeats(
    codes: Codes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(projection_module, "MOST_TSNE_POINTS", 90)
    monkeypatch.setattr(projection_module, "_TSNE_ITERATIONS", 300)
    said: list[int] = []
    stdout = sys.stdout
    found = project_tsne(codes, seed=3, progress=lambda _stage, done, _total: said.append(done))
    assert sys.stdout is stdout
    assert capsys.readouterr().out == ""
    assert said == sorted(said)
    assert len(said) > 3
    assert codes.labels is not None
    chosen = codes.labels[found.indexes]
    assert np.bincount(chosen).tolist() == [30, 30, 30]
    near = np.square(found.coordinates[:, None] - found.coordinates).sum(2) + np.eye(90) * 1e9
    assert (chosen[near.argmin(1)] == chosen).mean() > 0.95
    assert found.place(codes.mean[0]) is None
    assert found.lift(np.zeros(2, np.float32), codes.mean[0]) is None
    assert found.nearest(found.coordinates[5]) == found.indexes[5]
    np.testing.assert_array_equal(project_tsne(codes, seed=3).coordinates, found.coordinates)


def test_tsne_is_ended_by_its_progress_and_leaves_others_words_alone(
    codes: Codes, capsys: pytest.CaptureFixture[str]
) -> None:
    class Enough(Exception):
        pass

    def listen(_stage: str, done: int, _total: int | None) -> None:
        if done:
            other = threading.Thread(target=lambda: sys.stdout.write("from elsewhere\n"))
            other.start()
            other.join()
            raise Enough

    stdout = sys.stdout
    with pytest.raises(Enough):
        project_tsne(codes, progress=listen)
    assert sys.stdout is stdout
    assert capsys.readouterr().out == "from elsewhere\n"


def test_tsne_of_a_handful_is_refused(codes: Codes) -> None:
    with pytest.raises(VaeTuiError, match="five codes"):
        project_tsne(Codes(codes.mean[:4], codes.log_variance[:4]))
