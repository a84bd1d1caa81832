"""`vae-tui evolve`, in this process, on runs with all their weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from invoked import invoke, read_npz
from PIL import Image
from typer.testing import Result

import vae_tui
from vae_tui.errors import VaeTuiError
from vae_tui.imaging.gif import decode_gif
from vae_tui.imaging.grid import decode_png
from vae_tui.runs.layout import Run
from vae_tui.runs.weights import list_weights

Evolve = Callable[..., Result]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs: `plain` and `vamp` with their snapshots, `bare` with none and one checkpoint."""
    folder = tmp_path_factory.mktemp("trained")
    labels = np.arange(200) % 4
    images = np.random.default_rng(0).integers(0, 60, (200, 8, 8), dtype=np.uint8)
    for index, label in enumerate(labels):
        images[index, label * 2 : label * 2 + 2] += 190
    np.savez(folder / "bars.npz", images=images, labels=labels)
    settings = ["data.name=npz", f"data.root={folder / 'bars.npz'}", "data.test=0.3", "model.hidden=[16]"]
    settings += ["model.latent_dim=3", "train.threads=1", "train.epochs=6", "train.batch_size=20"]
    several = {
        "plain": [],
        "vamp": ["prior.name=vamp", "prior.components=5", "train.snapshots=4"],
        "bare": ["train.snapshots=0", "train.keep=1", "data.validation=0"],
    }
    for name, more in several.items():
        for _ in vae_tui.train("digits", [*settings, *more], name=name, runs_dir=folder / "runs"):
            pass
    return folder / "runs"


@pytest.fixture
def evolve(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evolve:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_TUI_RUNS_DIR", str(trained))

    return lambda *arguments, command="evolve": invoke(command, *arguments)


def test_the_same_noise_is_decoded_in_all_weights_in_their_order(evolve: Evolve, trained: Path) -> None:
    result = evolve("plain", "--out", "e.npz", "--count", "5", "--seed", "3")
    found = read_npz("e.npz")
    weights = list_weights(Run(trained / "plain"))
    assert found["steps"].tolist() == [one.step for one in weights]
    assert found["images"].shape == (len(weights), 5, 8, 8, 1)
    assert (found["latents"] == found["latents"][0]).all()
    assert found["epochs"].tolist()[:3] == [0, 1, 2]
    assert np.isnan(found["negative_elbo"][0])
    assert (np.diff(found["negative_elbo"][1:]) < 0).all()
    assert f"5 samples, seed 3, temperature 1, in {len(weights)} weights from step 0 to step" in result.stderr
    for one, images in zip(weights, found["images"], strict=True):
        evolve(one.path, "--out", "s.npz", "--count", "5", "--seed", "3", command="sample")
        np.testing.assert_array_equal(read_npz("s.npz")["images"], images)


def test_a_film_has_a_frame_a_moment_and_a_strip_a_column(evolve: Evolve, trained: Path) -> None:
    count = len(list_weights(Run(trained / "plain")))
    assert evolve("plain", "--out", "film.gif", "--count", "4", "--scale", "1").stdout == "film.gif\n"
    assert decode_gif(Path("film.gif").read_bytes()).shape[:3] == (count, 22, 22)
    evolve("plain", "--out", "strip.png", "--count", "4", "--scale", "1")
    assert decode_png(Path("strip.png").read_bytes()).shape == (42, 10 * count + 2, 1)
    evolve("plain", "--out", "again.gif", "--count", "4", "--scale", "1")
    assert Path("again.gif").read_bytes() == Path("film.gif").read_bytes()
    with Image.open("strip.png") as image:
        image.load()
        text = dict(image.text)  # type: ignore[attr-defined]
    assert text["Checkpoint"].startswith("plain/")
    assert "4 samples, seed 0" in text["Comment"]


def test_reconstructions_stand_beside_or_under_their_images(evolve: Evolve, trained: Path) -> None:
    count = len(list_weights(Run(trained / "plain")))
    images = ["--image", "3", "--image", "train:5"]
    evolve("plain", "--out", "r.npz", *images)
    found = read_npz("r.npz")
    assert found["names"].tolist() == ["test:3", "train:5"]
    evolve("plain", "--out", "strip.png", *images, "--scale", "1")
    strip = decode_png(Path("strip.png").read_bytes())
    assert strip.shape == (22, 10 * (count + 1) + 2, 1)
    np.testing.assert_array_equal(strip[2:10, 2:10], found["data"][0])
    np.testing.assert_array_equal(strip[12:20, -10:-2], found["images"][-1, 1])
    evolve("plain", "--out", "film.gif", *images, "--scale", "1")
    assert decode_gif(Path("film.gif").read_bytes()).shape[:3] == (count, 22, 22)


def test_a_given_place_stays_where_it_is(evolve: Evolve) -> None:
    evolve("plain", "--out", "p.npz", "--latent", "-1,0.5,2", "--latent", "0,0,0")
    found = read_npz("p.npz")
    assert (found["latents"] == np.array([[-1, 0.5, 2], [0, 0, 0]], np.float32)).all()


@pytest.mark.parametrize("prior", ["model", "N(0,2)", "mixture(2)"])
def test_other_priors_are_drawn_from_as_each_of_the_weights_has_them(evolve: Evolve, prior: str) -> None:
    evolve("vamp", "--out", "v.npz", "--count", "3", "--prior", prior)
    latents = read_npz("v.npz")["latents"]
    assert (latents[0] == latents[-1]).all() == (prior == "N(0,2)")


def test_a_checkpoint_stands_for_its_run_and_none_for_the_newest_that_has_weights(
    evolve: Evolve, trained: Path
) -> None:
    snapshot = Run(trained / "vamp").snapshots()[0].path
    evolve(snapshot, "--out", "a.npz")
    evolve("vamp", "--out", "b.npz")
    assert Path("a.npz").read_bytes() == Path("b.npz").read_bytes()
    assert read_npz("a.npz")["images"].shape[1] == 16


def test_weights_that_cannot_be_read_are_left_out_with_a_note(evolve: Evolve, trained: Path, tmp_path: Path) -> None:
    import shutil

    copy = Run(Path(shutil.copytree(trained / "plain", tmp_path / "copy")))
    damaged, foreign = copy.snapshots()[1:3]
    damaged.path.write_bytes(b"")
    other = next(one for one in Run(trained / "vamp").snapshots() if one.step)
    shutil.copy(other.path, copy.snapshots_path / other.path.name)
    result = evolve(copy.path, "--out", "e.npz")
    assert f"note: left out: {damaged.path}" in result.stderr
    assert f"{other.path.name} is another run's: it was trained with prior" in result.stderr
    steps = read_npz("e.npz")["steps"].tolist()
    assert damaged.step not in steps
    assert foreign.step in steps or foreign.step == other.step


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["bare"],
            "holds the weights of one step, and nothing is seen to change: a run trained with [train] snapshots",
        ),
        (["nobody"], "no run called 'nobody'"),
        (["--runs-dir", "none"], "no run under none has weights yet; train one with: vae-tui train"),
        (["plain", "--out", "e.jpg"], "expected a name that ends in .png or .gif or .svg or .pdf or .npz"),
        (["plain", "--image", "1", "--latent", "0,0,0"], "give one of them"),
        (["plain", "--image", "1", "--count", "3"], "leave them out with --image and --latent"),
        (["plain", "--latent", "1,x"], "--latent 1,x: expected numbers from -1000 to 1000"),
        (["plain", "--latent", "1,2"], "--latent has 2 numbers, but this model has 3 latents"),
        (["plain", "--latent", "1,2", "--latent", "1"], "as many numbers in each place"),
        (["plain", "--image", "mean:1"], "is a code and no image"),
        (["plain", "--image", "999"], "test:999: there are 60 test images"),
        (["plain", "--temperature", "inf"], "expected a finite number"),
        (["plain", "--scale", "64", "--count", "4096"], "draw fewer images or give a smaller --scale"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_met_with_what_was_expected(evolve: Evolve, arguments: list[str], complaint: str) -> None:
    with pytest.raises(VaeTuiError) as caught:
        evolve(*arguments)
    assert complaint in str(caught.value)
    assert not [*Path().glob("*.gif")]
