"""The commands that draw from latent space, in this process, on small models."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from invoked import invoke, read_npz
from PIL import Image
from typer.testing import Result

import vae_tui
from vae_tui.errors import VaeTuiError
from vae_tui.imaging.gif import decode_gif
from vae_tui.imaging.grid import decode_png
from vae_tui.runs.best import best_checkpoint
from vae_tui.runs.find import PRETRAINED
from vae_tui.runs.layout import Run
from vae_tui.walk.recorded import RecordedWalk, write_walk

Draw = Callable[..., Result]
COMMANDS = ("sample", "reconstruct", "interpolate", "traverse", "manifold", "project")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs on 200 images of 8 x 8 in four classes: `one`, `two` and `five`, named for their latent dimensions."""
    folder = tmp_path_factory.mktemp("labelled")
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 200)
    images = generator.integers(0, 60, (200, 8, 8), dtype=np.uint8)
    for index, label in enumerate(labels):
        images[index, label * 2 : label * 2 + 2] += 190
    names = np.array(["top", "upper", "lower", "bottom"])
    np.savez(folder / "bars.npz", images=images, labels=names[labels])
    recipe = folder / "bars.toml"
    recipe.write_text(
        f'[data]\nname = "npz"\nroot = "{folder / "bars.npz"}"\ntest = 0.3\n[model]\nhidden = [32]\n'
        "[train]\nepochs = 30\nbatch_size = 20\nthreads = 1\n[optimizer]\nlr = 3e-3\n"
    )
    for name, size in (("one", 1), ("two", 2), ("five", 5)):
        for _ in vae_tui.train(recipe, [f"model.latent_dim={size}"], name=name, runs_dir=folder / "runs"):
            pass
    return folder


@pytest.fixture
def draw(labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Run a command in an empty folder, with the labelled runs as its runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAE_TUI_RUNS_DIR", str(labelled / "runs"))

    return invoke


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("suffix", ["png", "gif", "npz"])
def test_every_command_needs_nothing_but_out(draw: Draw, command: str, suffix: str) -> None:
    out = f"picture.{suffix}"
    if suffix == "gif" and command in ("reconstruct", "manifold", "project"):
        with pytest.raises(VaeTuiError, match=r"expected a name that ends in \.png or .+\(nothing moves here"):
            draw(command, "five", "--out", out)
        return
    assert draw(command, "five", "--out", out).stdout == f"{out}\n"
    content = Path(out).read_bytes()
    if suffix == "png":
        assert decode_png(content).std() > 5
    elif suffix == "gif":
        assert len(decode_gif(content)) > 10
    else:
        assert read_npz(out)
    draw(command, "five", "--out", f"again.{suffix}")
    assert Path(f"again.{suffix}").read_bytes() == content


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "manifold"])
def test_a_single_latent_is_drawn(draw: Draw, command: str) -> None:
    draw(command, "one", "--out", "it.png")
    with Image.open("it.png") as picture:
        picture.load()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["manifold"], "a map needs two latent dimensions, and this model has one; draw it with: vae-tui traverse"),
        (["project", "--projection", "tsne"], "t-SNE needs two latent dimensions at least"),
        (["project", "--projection", "dimensions"], "a plane needs two latent dimensions, and this model has one"),
        (["project", "--plane", "0,1"], "a plane needs two latent dimensions, and this model has one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_needs_a_second_latent_says_so(draw: Draw, arguments: list[str], complaint: str) -> None:
    with pytest.raises(VaeTuiError) as caught:
        draw(arguments[0], "one", *arguments[1:])
    assert complaint in str(caught.value)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_picture_says_what_it_is_of(draw: Draw, command: str) -> None:
    draw(command, "five", "--out", "picture.png", "--seed", "3")
    with Image.open("picture.png") as image:
        image.load()
        text = dict(image.text)  # type: ignore[attr-defined]
    assert text["Software"].startswith("vae-tui ")
    assert text["Checkpoint"].startswith("five/step-")
    assert "seed 3" in text["Comment"]


@pytest.mark.parametrize("command", COMMANDS)
def test_newcomers_draw_from_the_model_that_ships(draw: Draw, tmp_path: Path, command: str) -> None:
    assert PRETRAINED.is_file()
    result = draw(command, "--out", "picture.png", "--runs-dir", tmp_path / "none")
    assert "using the digits model that ships with vae-tui; train your own with: vae-tui train" in result.stderr
    with Image.open("picture.png") as image:
        image.load()
        assert image.text["Checkpoint"] == "pretrained/digits.safetensors"  # type: ignore[attr-defined]


def test_a_run_without_a_checkpoint_yet_does_not_stand_in_the_way(draw: Draw, tmp_path: Path) -> None:
    (tmp_path / "runs" / "young").mkdir(parents=True)
    (tmp_path / "runs" / "young" / "recipe.toml").write_text("")
    assert "that ships" in draw("sample", "--out", "a.png", "--runs-dir", "runs").stderr
    with pytest.raises(VaeTuiError, match="holds no checkpoint yet"):
        draw("sample", "young", "--out", "a.png", "--runs-dir", "runs")


def test_reconstructions_stand_under_their_images(draw: Draw) -> None:
    draw("reconstruct", "five", "--out", "r.npz", "--image", "3", "--image", "class:low", "--image", "train:7")
    found = read_npz("r.npz")
    assert found["names"][[0, 2]].tolist() == ["test:3", "train:7"]
    assert found["images"].shape == found["reconstructions"].shape == (3, 8, 8, 1)
    assert np.abs(found["images"].astype(int) - found["reconstructions"]).mean() < 40
    draw("reconstruct", "five", "--out", "r.png", "--image", "3", "--image", "class:low", "--scale", "1")
    picture = decode_png(Path("r.png").read_bytes())
    assert picture.shape == (22, 22, 1)
    np.testing.assert_array_equal(picture[2:10, 2:10], found["images"][0])
    assert np.abs(picture[12:20, 2:10].astype(int) - found["reconstructions"][0]).max() <= 1
    draw("reconstruct", "five", "--out", "d.npz", "--image", "3", "--at", "draw", "--seed", "1")
    drawn = read_npz("d.npz")
    assert not np.array_equal(drawn["latents"], drawn["mean"])
    assert np.abs((drawn["latents"] - drawn["mean"]) / np.exp(0.5 * drawn["log_variance"])).max() < 4


def test_doubly_stochastic_draws_are_wider_than_posteriors_about_the_same_means(draw: Draw) -> None:
    draw("reconstruct", "five", "--out", "d.npz", *["--image=3"] * 4000, "--at", "doubly", "--seed", "1")
    found = read_npz("d.npz")
    variance = np.exp(found["log_variance"][0])
    error = found["latents"] - found["mean"][0]
    np.testing.assert_allclose(error.mean(0), 0, atol=0.15)
    np.testing.assert_allclose(error.var(0), variance * (1 + np.exp(variance / 2)), rtol=0.15)
    draw("reconstruct", "five", "--out", "d.png", "--at", "doubly")
    with Image.open("d.png") as image:
        image.load()
        assert "at doubly" in image.text["Comment"]  # type: ignore[attr-defined]


def test_a_way_goes_from_one_image_to_another_and_starts_in_another_class_by_itself(draw: Draw) -> None:
    draw("interpolate", "five", "--out", "a.npz", "--from", "class:top", "--to", "class:bottom:2", "--frames", "7")
    found = read_npz("a.npz")
    assert found["images"].shape == (7, 8, 8, 1)
    np.testing.assert_allclose(found["latents"][[0, -1]], found["anchors"], atol=1e-6)
    np.testing.assert_allclose(np.diff(found["latents"], 2, axis=0), 0, atol=1e-5)
    result = draw("interpolate", "five", "--out", "b.npz", "--to", "class:upper")
    assert "(upper)" in result.stderr.rpartition(" to ")[2]
    assert "(upper)" not in result.stderr.rpartition(" to ")[0].rpartition("from")[2]


def test_one_epsilon_moves_all_anchors(draw: Draw) -> None:
    ends = ["--from", "0", "--to", "1", "--frames", "2"]
    draw("interpolate", "five", "--out", "mean.npz", *ends)
    draw("interpolate", "five", "--out", "draw.npz", *ends, "--at", "draw", "--seed", "5")
    moved = read_npz("draw.npz")["anchors"] - read_npz("mean.npz")["anchors"]
    assert (np.sign(moved[0]) == np.sign(moved[1])).all()
    assert np.abs(moved).min() > 0


def test_a_way_through_several_bounces_or_loops(draw: Draw) -> None:
    anchors = ["--from", "mean:top", "--through", "mean:upper", "--to", "mean:lower", "--frames", "4"]
    draw("interpolate", "five", "--out", "bounce.gif", *anchors, "--scale", "1")
    draw("interpolate", "five", "--out", "loop.gif", *anchors, "--loop", "--scale", "1")
    draw("interpolate", "five", "--out", "still.png", *anchors, "--scale", "1", "--method", "slerp")
    bounce, loop = (decode_gif(Path(f"{name}.gif").read_bytes()) for name in ("bounce", "loop"))
    assert len(bounce) == 12
    assert len(loop) == 9
    np.testing.assert_array_equal(bounce[1], bounce[-1])
    assert decode_png(Path("still.png").read_bytes()).shape == (12, 7 * 10 + 2, 1)


def test_a_file_of_ones_own_is_an_anchor(draw: Draw) -> None:
    Image.new("RGB", (90, 60), "white").save("mine.jpg")
    draw("interpolate", "five", "--out", "a.npz", "--from", "mine.jpg", "--to", "0")
    found = read_npz("a.npz")
    assert found["anchor_names"].tolist() == ["mine.jpg", "test:0"]
    assert (found["anchor_images"][0] > 250).all()


def test_dimensions_are_moved_one_at_a_time(draw: Draw) -> None:
    draw("traverse", "five", "--out", "t.npz", "--around", "4", "--dimensions", "3,1", "--columns", "5", "--range", "2")
    found = read_npz("t.npz")
    assert found["images"].shape == (2, 5, 8, 8, 1)
    assert found["dimensions"].tolist() == [3, 1]
    np.testing.assert_allclose(found["values"], [[-2, -1, 0, 1, 2]] * 2)
    draw("traverse", "five", "--out", "all.npz")
    ranked = read_npz("all.npz")
    rates = ranked["rates"][ranked["dimensions"]]
    assert (np.diff(rates) <= 0).all()
    assert (rates > 0.01).all()


def test_rows_go_along_directions_from_where_the_image_is(draw: Draw) -> None:
    ways = "pca:1,class:top-lower,jacobian:2"
    draw("traverse", "five", "--out", "w.npz", "--around", "4", "--along", ways, "--columns", "5", "--range", "2")
    found = read_npz("w.npz")
    assert found["images"].shape == (3, 5, 8, 8, 1)
    np.testing.assert_allclose(found["values"], [[-2, -1, 0, 1, 2]] * 3)
    draw("traverse", "five", "--out", "t.npz", "--around", "4", "--dimensions", "0", "--columns", "3")
    middle = read_npz("t.npz")
    np.testing.assert_allclose(found["latent"], middle["latent"])
    assert np.array_equal(found["images"][0, 2], found["images"][2, 2]), "where the ways cross"
    notes = draw("traverse", "five", "--out", "w.gif", "--along", ways).stderr
    assert "along: pca:1 (" in notes
    assert len(decode_gif(Path("w.gif").read_bytes())) > 10


@pytest.mark.parametrize("command", ["traverse", "manifold"])
def test_labels_stand_beside_the_images_unless_they_are_unwanted(draw: Draw, command: str) -> None:
    draw(command, "five", "--out", "with.png", "--columns", "4", "--scale", "3")
    draw(command, "five", "--out", "without.png", "--columns", "4", "--scale", "3", "--no-labels")
    labelled, plain = (decode_png(Path(f"{name}.png").read_bytes()) for name in ("with", "without"))
    height, width = plain.shape[:2]
    assert labelled.shape[0] > height
    assert np.array_equal(labelled[:height, -width:], plain)


@pytest.mark.slow
def test_ranges_follow_the_posterior_the_data_and_the_prior(draw: Draw) -> None:
    around = ["--around", "4", "--dimensions", "0", "--columns", "3"]
    draw("reconstruct", "five", "--out", "r.npz", "--image", "4")
    posterior = read_npz("r.npz")
    mean, deviation = posterior["mean"][0, 0], np.exp(posterior["log_variance"][0, 0] / 2)
    draw("traverse", "five", "--out", "p.npz", *around, "--range", "posterior:2")
    np.testing.assert_allclose(
        read_npz("p.npz")["values"][0], [mean - 2 * deviation, mean, mean + 2 * deviation], atol=1e-5
    )
    draw("project", "five", "--out", "c.npz")
    codes = read_npz("c.npz")["mean"][:, 0]
    draw("traverse", "five", "--out", "d.npz", *around, "--range", "data")
    low, _, high = read_npz("d.npz")["values"][0]
    assert codes.min() <= low < np.median(codes) < high <= codes.max()


def test_a_map_rises_to_the_right_and_upwards(draw: Draw) -> None:
    draw("manifold", "two", "--out", "m.npz", "--columns", "3", "--range", "1.5")
    found = read_npz("m.npz")
    assert found["images"].shape == (3, 3, 8, 8, 1)
    assert found["xs"].tolist() == [-1.5, 0, 1.5]
    assert found["ys"].tolist() == [1.5, 0, -1.5]
    draw("manifold", "five", "--out", "m5.npz", "--plane", "4,0", "--around", "0", "--range", "posterior")
    assert read_npz("m5.npz")["plane"].tolist() == [4, 0]
    draw("manifold", "two", "--out", "m.png", "--columns", "3", "--scale", "1", "--no-labels")
    assert decode_png(Path("m.png").read_bytes()).shape == (28, 28, 1)


def test_codes_are_kept_with_their_classes_and_places(draw: Draw) -> None:
    draw("project", "two", "--out", "c.npz")
    found = read_npz("c.npz")
    assert found["axes"].tolist() == ["z0", "z1"]
    assert sorted(found) == ["axes", "class_names", "coordinates", "indexes", "labels", "log_variance", "mean"]
    np.testing.assert_array_equal(found["coordinates"], found["mean"])
    assert set(found["class_names"]) == {"top", "upper", "lower", "bottom"}
    draw("project", "five", "--out", "pca.npz", "--split", "train")
    draw("project", "five", "--out", "plane.npz", "--plane", "3,1", "--split", "train")
    by_hand = read_npz("plane.npz")
    np.testing.assert_array_equal(by_hand["coordinates"], by_hand["mean"][:, [3, 1]])
    assert not np.array_equal(read_npz("pca.npz")["coordinates"], by_hand["coordinates"])
    result = draw("project", "five", "--out", "tsne.png", "--projection", "tsne", "--seed", "2")
    assert "60 test images, tsne" in result.stderr
    assert decode_png(Path("tsne.png").read_bytes()).shape == (720, 840, 3)


@pytest.mark.parametrize(
    ("prior", "low", "high", "mean"),
    [("N(1,2)", -9, 11, 1), ("Beta(0.25,0.25)", 0, 1, 0.5), ("u(-3, 5)", -3, 5, 1), ("N(0,1)", -5, 5, 0)],
)
def test_latents_come_from_the_prior_that_is_named(
    draw: Draw, prior: str, low: float, high: float, mean: float
) -> None:
    draw("sample", "five", "--out", "s.npz", "--count", "400", "--prior", prior)
    found = read_npz("s.npz")["latents"]
    assert low <= found.min() < found.max() <= high
    assert abs(found.mean() - mean) < 0.2
    if prior.startswith("N(1"):
        assert abs(found.std() - 2) < 0.1


def test_the_models_own_prior_is_the_default(draw: Draw) -> None:
    for suffix in ("png", "npz", "gif"):
        draw("sample", "five", "--out", f"a.{suffix}", "--temperature", "0.5")
        draw("sample", "five", "--out", f"b.{suffix}", "--temperature", "0.5", "--prior", "model")
        draw("sample", "five", "--out", f"c.{suffix}", "--temperature", "0.5", "--prior", "N(0,1)")
        contents = {Path(f"{name}.{suffix}").read_bytes() for name in "abc"}
        assert len(contents) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prior", "told"),
    [
        ("aggregated", "the aggregated posterior of 126 training images"),
        ("mixture(4)", "mixture(4), fitted to the posteriors of 126 training images"),
        ("mixture(1)", "mixture(1), fitted"),
    ],
)
def test_latents_come_from_where_the_codes_of_training_images_are(draw: Draw, prior: str, told: str) -> None:
    draw("project", "five", "--out", "codes.npz", "--split", "train")
    codes = read_npz("codes.npz")
    draw("sample", "five", "--out", "s.npz", "--count", "2000", "--prior", prior)
    found = read_npz("s.npz")
    assert told in str(found["drawn_from"])
    np.testing.assert_allclose(found["latents"].mean(0), codes["mean"].mean(0), atol=0.35)
    spread = codes["mean"].var(0) + np.exp(codes["log_variance"]).mean(0)
    np.testing.assert_allclose(found["latents"].var(0), spread, rtol=0.4)
    draw("sample", "five", "--out", "cold.npz", "--count", "300", "--prior", prior, "--temperature", "0")
    distinct = np.unique(read_npz("cold.npz")["latents"].round(4), axis=0)
    if prior == "aggregated":
        assert len(distinct) > 50
        distances = np.abs(distinct[:, None] - codes["mean"][None]).max(2).min(1)
        assert distances.max() < 1e-3
    else:
        assert len(distinct) == int(prior[8:-1])
    for suffix in ("gif", "png"):
        for name in "ab":
            draw("sample", "five", "--out", f"{name}.{suffix}", "--count", "6", "--prior", prior, "--seed", "2")
        assert Path(f"a.{suffix}").read_bytes() == Path(f"b.{suffix}").read_bytes()
    with Image.open("a.png") as image:
        image.load()
        assert image.text["Comment"].startswith(told)  # type: ignore[attr-defined]


def test_only_priors_that_look_at_training_images_need_them(draw: Draw, labelled: Path, tmp_path: Path) -> None:
    for name in ("bars.npz", "away.npz"):
        assert name == "away.npz" or (labelled / name).is_file()
    (labelled / "bars.npz").rename(tmp_path / "away.npz")
    try:
        draw("sample", "five", "--out", "a.npz")
        for prior in ("aggregated", "mixture(2)"):
            with pytest.raises(VaeTuiError, match=r"looks at the training images, .* --prior model .*: .*bars\.npz"):
                draw("sample", "five", "--out", "b.npz", "--prior", prior)
        assert not Path("b.npz").exists()
        (tmp_path / "moved").mkdir()
        (tmp_path / "away.npz").rename(tmp_path / "moved" / "bars.npz")
        draw("sample", "five", "--out", "b.npz", "--prior", "aggregated", "--data-root", "moved")
    finally:
        found = next(path for path in (tmp_path / "away.npz", tmp_path / "moved" / "bars.npz") if path.is_file())
        found.rename(labelled / "bars.npz")


def test_samples_are_those_of_the_library(draw: Draw, labelled: Path) -> None:
    draw("sample", "five", "--out", "s.npz", "--count", "5", "--seed", "9", "--temperature", "0.7")
    images = vae_tui.load("five", runs_dir=labelled / "runs").sample(5, seed=9, temperature=0.7)
    expected = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert np.abs(read_npz("s.npz")["images"].astype(int) - expected).max() <= 1


def test_a_walk_is_replayed_with_the_checkpoint_it_names(draw: Draw, labelled: Path) -> None:
    checkpoint = best_checkpoint(Run(labelled / "runs" / "five")).path
    points = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    write_walk(Path("walk.toml"), RecordedWalk(points, 8, str(checkpoint)))
    draw("sample", "--path", "walk.toml", "--out", "a.gif", "--runs-dir", "nowhere")
    draw("sample", "five", "--path", "walk.toml", "--out", "b.gif")
    assert Path("a.gif").read_bytes() == Path("b.gif").read_bytes()
    with Image.open(io.BytesIO(Path("a.gif").read_bytes())) as image:
        assert image.size == (64, 64)
    draw("sample", "five", "--path", "walk.toml", "--out", "a.png", "--scale", "1")
    assert decode_png(Path("a.png").read_bytes()).shape == (12, 62, 1)
    draw("sample", "five", "--path", "walk.toml", "--out", "a.npz")
    np.testing.assert_array_equal(read_npz("a.npz")["latents"], points)
    with pytest.raises(VaeTuiError, match="points have 5 numbers"):
        draw("sample", "two", "--path", "walk.toml", "--out", "c.gif")
    write_walk(Path("lost.toml"), RecordedWalk(points, 8, "gone.safetensors"))
    with pytest.raises(VaeTuiError, match=r"gone\.safetensors' is not there; name another"):
        draw("sample", "--path", "lost.toml", "--out", "c.gif")
    Path("beside.safetensors").write_bytes(checkpoint.read_bytes())
    write_walk(Path("near.toml"), RecordedWalk(points, 8, "beside.safetensors"))
    draw("sample", "--path", "near.toml", "--out", "d.gif")
    # But for the checkpoint that their comments name.
    frames = [decode_gif(Path(name).read_bytes()) for name in ("d.gif", "a.gif")]
    first, second = frames
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["interpolate", "--out", "a.jpg"], "expected a name that ends in .png or .gif or .svg or .pdf or .npz"),
        (["traverse", "--out", "no/a.png"], "there is no folder"),
        (["traverse", "--dimensions", "1,x"], "expected whole numbers with commas"),
        (["traverse", "--dimensions", "1,9"], "there is no latent dimension 9: expected 0 to 4"),
        (["traverse", "--range", "far"], "--range far: expected a number R"),
        (["traverse", "--range", "-1"], "expected a finite number above 0"),
        (["traverse", "--range", "posterior:x"], "--range posterior:x: expected"),
        (["traverse", "--along", "pca:9"], "--along pca:9: expected pca:1 to pca:5"),
        (["traverse", "--along", "pca:1", "--dimensions", "1"], "--dimensions and --along: give one of them"),
        (["manifold", "--plane", "1"], "expected two different latent dimensions"),
        (["manifold", "--plane", "0,7"], "there is no latent dimension 7"),
        (["manifold", "--range", "posterior"], "with --around"),
        (["project", "--plane", "0,1", "--projection", "pca"], "--plane goes with --projection dimensions"),
        (["reconstruct", "--image", "999"], "there are 60 test images, 0 to 59"),
        (["reconstruct", "--image", "mean:top"], "mean:top is a code and no image"),
        (["interpolate", "--from", "class:side"], "no class 'side'; there are bottom, lower, top, upper"),
        (["sample", "--prior", "N(1)"], "--prior N(1): expected model, N(mean,deviation)"),
        (["sample", "--prior", "vamp"], "Beta(a,b), U(low,high), aggregated or mixture(K)"),
        (["sample", "--prior", "mixture"], "--prior mixture: expected 1 to 1,000 Gaussians, such as mixture(10)"),
        (["sample", "--prior", "mixture(0)"], "expected 1 to 1,000 Gaussians"),
        (["sample", "--prior", "mixture(500)"], "mixture(500) needs as many training images, and there are 126"),
        (["sample", "--path", "none.toml", "--prior", "aggregated"], "--path replays a walk as it is"),
        (["sample", "--prior", "N(1,-2)"], "cannot be below 0"),
        (["sample", "--prior", "Beta(0,1)"], "both shapes of a Beta are above 0"),
        (["sample", "--prior", "U(2,1)"], "the lower bound is given first"),
        (["sample", "--prior", "N(inf,1)"], "expected numbers from -1,000 to 1,000"),
        (["sample", "--prior", "N(0,1e39)"], "expected numbers from -1,000 to 1,000"),
        (["sample", "--prior", "N(nan,1)"], "expected numbers from -1,000 to 1,000"),
        (["sample", "--prior", "U(-1e308,1e308)"], "expected numbers from -1,000 to 1,000"),
        (["sample", "--prior", "U(0,1)", "--temperature", "2"], "--temperature scales Gaussian noise"),
        (["sample", "--count", "60000", "--scale", "64"], "is too large"),
        (
            ["sample", "--count", "60000", "--columns", "60000"],
            "pixels wide is more than viewers take, which is 65,535",
        ),
        (["sample", "--count", "60000", "--columns", "1"], "pixels high is more than viewers take"),
        (["interpolate", "--frames", "9000", "--columns", "9000"], "pixels wide is more than viewers take"),
        (["sample", "--path", "none.toml"], "none.toml: no such file"),
        (["sample", "--path", "none.toml", "--count", "3"], "--path replays a walk as it is"),
        (["sample", "nobody"], "no run called 'nobody'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_with_what_was_expected(draw: Draw, arguments: list[str], complaint: str) -> None:
    if len(arguments) == 1 or arguments[1].startswith("--"):
        arguments = [arguments[0], "five", *arguments[1:]]
    if arguments[2:3] == ["--path"]:
        arguments.remove("five")
    with pytest.raises(VaeTuiError) as caught:
        draw(*arguments)
    assert complaint in str(caught.value)
    assert not list(Path().glob("*.png"))


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_codes_are_a_figure_for_papers(draw: Draw, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib", reason="the optional package matplotlib is not installed")
    draw("project", "five", "--out", f"codes{suffix}")
    content = (tmp_path / f"codes{suffix}").read_bytes()
    draw("project", "five", "--out", f"again{suffix}")
    assert (tmp_path / f"again{suffix}").read_bytes() == content, "the same codes give the same bytes"
    if suffix == ".svg":
        drawn = content.decode()
        for text in ("upper", "lower", "60 test images", "PC 1 ("):
            assert text in drawn
        draw("project", "five", "--out", "codes.npz")
        assert drawn.count("<use ") >= len(np.load(tmp_path / "codes.npz")["coordinates"])
    else:
        assert content.startswith(b"%PDF")
