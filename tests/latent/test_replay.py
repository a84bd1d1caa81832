from __future__ import annotations

import numpy as np
import pytest
import torch

from vae_tui.errors import VaeTuiError
from vae_tui.imaging.gif import decode_gif
from vae_tui.latent import replay
from vae_tui.latent.grids import decode_points
from vae_tui.latent.replay import render_walk
from vae_tui.model import VAE
from vae_tui.walk.recorded import RecordedWalk

POINTS = np.random.default_rng(0).normal(scale=3, size=(5, 3)).astype(np.float32)


def test_a_walk_is_its_points_decoded(vae: VAE) -> None:
    found = decode_gif(render_walk(vae, RecordedWalk(POINTS, 10), scale=2))
    np.testing.assert_array_equal(found[:, ::2, ::2, :1], decode_points(vae, POINTS))


def test_a_walk_is_the_same_bytes_on_any_number_of_threads(vae: VAE) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        two = render_walk(vae, RecordedWalk(POINTS, 10))
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        assert render_walk(vae, RecordedWalk(POINTS, 10)) == two
    finally:
        torch.set_num_threads(before)


def test_a_walk_of_another_model_is_refused(vae: VAE) -> None:
    with pytest.raises(VaeTuiError, match=r"points have 2 numbers \(it was made with a.safetensors\).* has 3 latents"):
        render_walk(vae, RecordedWalk(POINTS[:, :2], 10, "a.safetensors"))


def test_a_walk_too_long_for_memory_is_refused(vae: VAE, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "_MOST_VALUES", 5 * 48)
    render_walk(vae, RecordedWalk(POINTS, 10), scale=1)
    with pytest.raises(VaeTuiError, match="a walk of 5 points"):
        render_walk(vae, RecordedWalk(POINTS, 10), scale=2)
