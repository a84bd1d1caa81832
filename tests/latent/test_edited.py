"""Places that agree with a picture that was changed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ppca import Z, make_ppca

from vae_tui.data import as_floats
from vae_tui.errors import CheckpointError
from vae_tui.latent.codes import encode_images
from vae_tui.latent.edited import fit_edited
from vae_tui.latent.fitting import fit_latent, joint_density
from vae_tui.latent.grids import decode_points
from vae_tui.latent.inpainting import By
from vae_tui.model import VAE, build
from vae_tui.recipe import parse
from vae_tui.walk.messages import EditFitted

NOTHING = np.zeros((6, 5), bool)


def make_vae(channels: int = 1) -> VAE:
    tables = {"model": {"hidden": [16], "latent_dim": 3, "activation": "tanh"}}
    return build(parse(tables)[0], (channels, 6, 5), seed=0)


def fit(vae: VAE, shown: np.ndarray, hidden: np.ndarray, by: By = "weights", seed: int = 0) -> EditFitted:
    near = np.zeros(vae.latent_dim, np.float32)
    return fit_edited(
        vae,
        shown,
        hidden,
        near,
        by=by,
        count=8,
        seed=seed,
        shares=None,
        progress=lambda *_: None,
    )


def density_at(vae: VAE, place: np.ndarray, shown: np.ndarray) -> float:
    image = as_floats(torch.from_numpy(shown.transpose(2, 0, 1)))
    return -joint_density(vae, torch.from_numpy(place[None]), image)[0].item()


def test_of_a_whole_picture_the_place_that_fits_best_is_found() -> None:
    vae = make_vae()
    shown = np.random.default_rng(0).integers(0, 256, (6, 5, 1), np.uint8)
    found = fit(vae, shown, NOTHING)
    assert found.points.shape == (1, 3)
    assert found.effective_draws is None
    assert found.before == pytest.approx(density_at(vae, np.zeros(3, np.float32), shown), abs=1e-3)
    assert found.after == pytest.approx(density_at(vae, found.points[0], shown), abs=1e-3)
    assert found.after is not None
    others = np.random.default_rng(1).standard_normal((500, 3)).astype(np.float32)
    assert all(found.after <= density_at(vae, other, shown) + 1e-3 for other in others)
    np.testing.assert_array_equal(found.images, decode_points(vae, found.points))


def test_it_is_looked_for_from_where_one_stands_and_from_the_picture_s_code() -> None:
    vae = make_vae()
    with torch.no_grad():
        for network, factor in ((vae.decoder, 8), (vae.encoder, 4)):
            for weights in network.parameters():
                weights.mul_(factor if weights.dim() > 1 else 1)  # so steep that there are several places to end at
    pictures = np.random.default_rng(3).integers(0, 2, (12, 6, 5, 1), np.uint8) * np.uint8(255)
    origin = np.zeros(3, np.float32)
    better = []
    for shown in pictures:
        found = fit(vae, shown, NOTHING)
        as_tensor = torch.from_numpy(shown.transpose(2, 0, 1))
        code = encode_images(vae, as_tensor[None])[0][0]
        ends = [fit_latent(vae, as_floats(as_tensor), start, lambda *_: None).after for start in (origin, code)]
        assert found.after == pytest.approx(min(ends), abs=1e-3)
        better.append(ends[1] < ends[0] - 0.1)
    assert any(better)
    assert not all(better)


def test_what_is_kept_stays_and_the_model_fills_the_rest() -> None:
    vae = make_vae()
    shown = np.random.default_rng(0).integers(0, 256, (6, 5, 1), np.uint8)
    hidden = NOTHING.copy()
    hidden[3:] = True
    found = fit(vae, shown, hidden)
    assert found.points.shape == (8, 3)
    assert found.draws == 4000
    assert found.effective_draws is not None
    assert 10 < found.effective_draws <= 4000
    assert (found.images[:, :3] == shown[:3]).all()
    np.testing.assert_array_equal(found.images[:, 3:], decode_points(vae, found.points)[:, 3:])
    assert not np.array_equal(found.points, fit(vae, shown, hidden, seed=1).points)
    by_gradient = fit(vae, shown, hidden, by="gradient")
    assert by_gradient.effective_draws is None
    kept = torch.from_numpy(~hidden)
    image = as_floats(torch.from_numpy(shown.transpose(2, 0, 1)))
    losses = (-joint_density(vae, torch.from_numpy(by_gradient.points), image, kept)).tolist()
    np.testing.assert_allclose(losses, sorted(losses), atol=1e-4)


def test_draws_spread_as_the_posterior_does() -> None:
    vae, _, images = make_ppca()
    shown = (images[0].clamp(0, 1) * 255).round().byte().numpy().transpose(1, 2, 0)
    hidden = np.zeros((3, 4), bool)
    hidden[:, :3] = True
    points = np.concatenate([fit(vae, shown, hidden, seed=seed).points for seed in range(40)])
    decoder = next(iter(vae.decoder.children()))
    assert isinstance(decoder, torch.nn.Linear)
    weight = decoder.weight.detach()[torch.from_numpy(~hidden).flatten()]
    covariance = torch.linalg.inv(weight.T @ weight / 0.3**2 + torch.eye(Z)).numpy()
    np.testing.assert_allclose(np.cov(points.T), covariance, atol=0.35 * covariance.diagonal().max())


def test_channels_that_are_not_shown_are_what_is_decoded_where_one_stands() -> None:
    vae = make_vae(channels=4)
    assert vae.shown_channels == [0, 1, 2]
    shown = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    found = fit(vae, shown, NOTHING)
    here = decode_points(vae, np.zeros((1, 3), np.float32))[0]
    whole = np.concatenate([shown, here[..., 3:]], axis=2)
    assert found.before == pytest.approx(density_at(vae, np.zeros(3, np.float32), whole), abs=1e-3)
    assert found.images.shape == (1, 6, 5, 3)


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"pictures are 6 x 5 x 1 \(H x W x C\), not 5 x 6 x 1"):
        fit(make_vae(), np.zeros((5, 6, 1), np.uint8), np.zeros((5, 6), bool))
