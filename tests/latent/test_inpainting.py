"""Completions of images, against probabilistic PCA, whose posterior given some pixels is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Cli
from ppca import SIGMA, Z, make_ppca
from torch import nn

from vae_tui.errors import DataError, VaeTuiError
from vae_tui.latent.inpainting import complete, parse_region
from vae_tui.model import build
from vae_tui.recipe import parse
from vae_tui.runs.layout import Run


def test_draws_are_from_the_posterior_given_what_is_seen() -> None:
    vae, _, images = make_ppca()
    image = images[0]
    hidden = parse_region("left", *image.shape[1:])
    found = complete(vae, image, hidden, by="weights", count=20_000, seed=3, progress=lambda *_: None)
    assert found.effective_draws is not None
    assert found.effective_draws > 2_000, "of 4,000: the proposal is nearly the posterior"
    decoder = next(iter(vae.decoder.children()))
    assert isinstance(decoder, nn.Linear)
    kept = torch.from_numpy(~hidden).flatten()
    weight, bias = decoder.weight.detach()[kept], decoder.bias.detach()[kept]
    covariance = torch.linalg.inv(weight.T @ weight / SIGMA**2 + torch.eye(Z))
    mean = covariance @ weight.T @ (image.flatten()[kept] - bias) / SIGMA**2
    deviation = covariance.diagonal().sqrt().numpy()
    np.testing.assert_allclose(found.latents.mean(0), mean, atol=0.1 * deviation.max())
    np.testing.assert_allclose(np.cov(found.latents.T), covariance, atol=0.15 * float(covariance.diagonal().max()))


def test_by_gradient_the_best_place_comes_first() -> None:
    vae, _, images = make_ppca()
    hidden = parse_region("top", *images[0].shape[1:])
    found = complete(vae, images[0], hidden, by="gradient", count=3, seed=0, progress=lambda *_: None)
    assert found.latents.shape == (3, Z)
    np.testing.assert_allclose(found.latents, found.latents[:1].repeat(3, axis=0), atol=0.05)  # there is but one mode


@pytest.mark.parametrize(
    "likelihood",
    [
        {"name": "bernoulli"},
        {"name": "continuous-bernoulli"},
        {"name": "gaussian"},
        {"name": "gaussian", "sigma": "optimal"},
        {"name": "laplace", "scale": "per-pixel"},
        {"name": "discretized-logistic"},
    ],
    ids=str,
)
def test_every_likelihood_can_be_of_a_part(likelihood: dict[str, Any]) -> None:
    recipe, _ = parse({"likelihood": likelihood, "model": {"latent_dim": 2, "hidden": [5]}})
    vae = build(recipe, (3, 4, 5), seed=2).eval()
    image = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0))
    found = complete(vae, image, parse_region("right", 4, 5), by="weights", count=4, seed=0, progress=lambda *_: None)
    assert np.isfinite(found.latents).all()


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("top", range(4), range(6)),
        ("right", range(8), range(3, 6)),
        ("center", range(2, 6), range(1, 5)),
        ("2:5,:3", range(2, 5), range(3)),
    ],
)
def test_a_region_is_a_side_or_rows_and_columns(text: str, rows: range, columns: range) -> None:
    hidden = parse_region(text, 8, 6)
    assert {(int(y), int(x)) for y, x in np.argwhere(hidden)} == {(y, x) for y in rows for x in columns}


@pytest.mark.parametrize("text", ["", "middle", "1:2", "8:9,0:6", ":,:", "a:b,c:d", "5:2,0:6"])
def test_other_regions_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="--hide"):
        parse_region(text, 8, 6)


def test_rounded_codes_are_not_searched() -> None:
    tables: dict[str, Any] = {"model": {"posterior": "fsq", "levels": [4, 3, 3], "latent_dim": 3, "hidden": [8]}}
    vae = build(parse(tables)[0], (1, 4, 5), seed=2).eval()
    with pytest.raises(VaeTuiError, match="codes are rounded"):
        complete(
            vae,
            torch.zeros(1, 4, 5),
            parse_region("top", 4, 5),
            by="weights",
            count=1,
            seed=0,
            progress=lambda *_: None,
        )


@pytest.mark.slow
def test_the_command_keeps_what_is_seen(cli: Cli, walked_run: Run, tmp_path: Path) -> None:
    done = cli("inpaint", walked_run.path, "--hide", "top", "--count", "5", "--out", "in.npz")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "in.npz") as found:
        hidden = found["hidden"]
        assert (found["images"][:, ~hidden] == found["image"][~hidden]).all()
        assert (found["images"][:, hidden] == found["decoded"][:, hidden]).all()
        assert found["latents"].shape[0] == 5
    assert cli("inpaint", walked_run.path, "--hide", "top", "--count", "5", "--out", "in.png").returncode == 0
    refused = cli("inpaint", walked_run.path, "--hide", "half")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "expected top, bottom, left, right, center" in refused.stderr
