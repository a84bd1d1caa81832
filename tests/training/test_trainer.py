"""What a GPU is given, as far as a CPU can tell, and what is said where its memory is short."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import MakeRun, train_events
from torch import Tensor

from vae_tui import events as ev
from vae_tui.data import as_floats, load_image_sets, read_all
from vae_tui.errors import DeviceError
from vae_tui.recipe import load_recipe
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.training.optimizers import FusedOptimizer
from vae_tui.training.ranks import Batch
from vae_tui.training.steps import AutogradStep
from vae_tui.training.trainer import Trainer

_HARD = (
    "data.binarize=dynamic",
    "optimizer.ema_decay=0.9",
    "objective.warmup_epochs=2",
    "optimizer.clip_norm=5.0",
    "optimizer.schedule=cosine",
    "train.precision=bf16",
)


def make_trainer(run: Run) -> Trainer:
    torch.set_num_threads(1)
    recipe = load_recipe(str(run.recipe_path)).recipe
    sets = load_image_sets(recipe.data, seed=0, data_root=Path(), progress=lambda *_: None)
    return Trainer(recipe, sets, torch.device("cpu"))


def take_epochs(trainer: Trainer, count: int) -> None:
    for _ in range(count):
        trainer.begin_epoch()
        while not trainer.epoch_is_over:
            trainer.step()


class InPlace:
    """Takes steps as a recorded one is: always on the same tensors."""

    def __init__(self) -> None:
        self._inputs: Batch = {}
        self.steps = 0

    def __call__(self, step: Callable[[Batch], None], inputs: Batch) -> None:
        if not self._inputs:
            self._inputs = {name: tensor.clone() for name, tensor in inputs.items()}
        assert inputs.keys() == self._inputs.keys()
        for name, tensor in inputs.items():
            self._inputs[name].copy_(tensor)
        self.steps += 1
        step(self._inputs)


def test_half_of_the_images_are_mirrored_others_in_every_epoch(make_run: MakeRun) -> None:
    trainer = make_trainer(make_run("data.mirror=true"))
    known = {image.numpy().tobytes(): index for index, image in enumerate(as_floats(read_all(trainer.images.pixels)))}
    mirrored: list[set[int]] = []
    for _ in range(2):
        trainer.begin_epoch()
        seen: dict[int, bool] = {}
        while not trainer.epoch_is_over:
            batch = trainer._draw_batch(count := trainer._next_count, {})
            trainer.position += count
            for image in trainer._parts.images(batch):
                turned = image.numpy().tobytes() not in known
                seen[known[(image.flip(-1) if turned else image).numpy().tobytes()]] = turned
        assert len(seen) == len(trainer.images)
        mirrored.append({index for index, turned in seen.items() if turned})
        assert 0.3 < len(mirrored[-1]) / len(seen) < 0.7
    assert mirrored[0] != mirrored[1]


def test_views_have_draws_of_their_own_others_in_every_epoch(make_run: MakeRun) -> None:
    plain, varied = (
        make_trainer(make_run(*more, name=name)) for name, *more in (("plain",), ("varied", "data.crop=0.2"))
    )
    views, images = [], []
    for _ in range(2):
        for trainer in (plain, varied):
            trainer.begin_epoch()
        batches = [trainer._draw_batch(trainer._next_count, {}) for trainer in (plain, varied)]
        assert "views" not in batches[0]
        for name in ("epsilon", "pixels"):
            assert torch.equal(batches[0][name], batches[1][name]), "order and noise are those of before"
        views.append(batches[1]["views"])
        images.append((plain._parts.images(batches[0]), varied._parts.images(batches[1])))
    assert not torch.equal(*views)
    assert not torch.equal(*images[0])
    assert images[0][1].min() >= 0
    assert images[0][1].max() <= 1


def test_validation_images_are_seen_as_they_are(make_run: MakeRun) -> None:
    # Weights that stand still tell what they are shown.
    runs = [make_run(*more, "optimizer.lr=1e-30", name=name) for name, *more in (("a",), ("b", "data.crop=0.5"))]
    plain, varied = (next(e for e in train_events(run) if isinstance(e, ev.EpochCompleted)) for run in runs)
    assert plain.validation == varied.validation
    assert plain.train != varied.train


def test_a_step_that_is_recorded_finds_all_that_changes_in_its_inputs(make_run: MakeRun) -> None:
    plain, recorded = (make_trainer(make_run(*_HARD, name=name)) for name in ("plain", "recorded"))
    recorder = InPlace()
    recorded._record = recorder
    for trainer in (plain, recorded):
        take_epochs(trainer, 3)
    assert recorder.steps == 3 * 4, "the last of an epoch's five batches is smaller"
    assert recorded.epoch_means() == plain.epoch_means()
    for ours, theirs in zip(recorded.evaluated.parameters(), plain.evaluated.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0)


def test_moments_of_convolutions_in_the_order_of_a_version_before_are_found(make_run: MakeRun) -> None:
    conv = ("model.network=conv", "model.channels=[4, 8]")
    written, reading = (make_trainer(make_run(*conv, name=name)) for name in ("written", "reading"))
    take_epochs(written, 1)
    tensors, numbers = written.state()
    before = {
        name: tensor.permute(0, 2, 3, 1).contiguous().view(tensor.shape) if tensor.dim() == 4 else tensor
        for name, tensor in tensors.items()
    }
    assert any(not torch.equal(before[name], tensor) for name, tensor in tensors.items())
    reading.restore(before, {name: value for name, value in numbers.items() if name != "moments"})
    for name, moment in written.optimizer.state().items():
        assert torch.equal(reading.optimizer.state()[name], moment), name
    reading.restore(tensors, numbers)
    for name, moment in written.optimizer.state().items():
        assert torch.equal(reading.optimizer.state()[name], moment), name


def test_a_learning_rate_in_memory_moves_weights_as_a_number_does() -> None:
    table = load_recipe("digits", ["optimizer.lr=0.1"]).recipe.optimizer
    weights = [torch.nn.Parameter(torch.ones(3)) for _ in range(2)]
    for weight, in_memory in zip(weights, (False, True), strict=True):
        optimizer = FusedOptimizer(table, [weight])
        if in_memory:
            optimizer._lr = torch.tensor(optimizer.lr)
        for lr in (0.1, 0.05):
            optimizer.lr = lr
            weight.grad = torch.tensor([1.0, -2.0, 3.0])
            optimizer.step()
        assert optimizer.lr == 0.05
    torch.testing.assert_close(weights[0], weights[1])


def test_bfloat16_trains_nearly_as_float32_does_and_counts_nats_in_float32(make_run: MakeRun) -> None:
    rough, exact = (
        make_trainer(make_run(f"train.precision={name}", "model.network=conv", "model.channels=[4]", name=name))
        for name in ("bf16", "float32")
    )
    for trainer in (rough, exact):
        take_epochs(trainer, 2)
    assert rough.epoch_means().figures() != exact.epoch_means().figures()
    assert rough.epoch_means().figures() == pytest.approx(exact.epoch_means().figures(), rel=0.02)
    rough.begin_epoch()
    batch = rough._draw_batch(20, {})
    assert {tensor.dtype for tensor in AutogradStep(rough._parts).forward(batch)} == {torch.float32}


@pytest.mark.parametrize(("room", "told"), [(6, "5 fit: --set train.batch_size=5"), (0, "nor for a single one")])
def test_where_memory_is_short_the_batch_that_fits_is_told(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, room: int, told: str
) -> None:
    forward = AutogradStep.forward

    def forward_in_little_memory(self: AutogradStep, batch: Batch) -> tuple[Tensor, Tensor]:
        if len(batch["pixels"]) > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return forward(self, batch)

    monkeypatch.setattr(AutogradStep, "forward", forward_in_little_memory)
    run = make_run("model.network=conv", "model.channels=[4]")
    with pytest.raises(DeviceError, match="cpu has not enough memory for batches of 20 images") as caught:
        list(train_events(run))
    assert told in str(caught.value)
    finished = read_events(run.events_path)[-1]
    assert isinstance(finished, ev.RunFinished)
    assert (finished.status, finished.reason) == ("failed", str(caught.value))


@pytest.mark.parametrize("overrides", [(), ("model.network=conv", "model.channels=[4]")], ids=["by hand", "autograd"])
def test_the_norm_of_gradients_is_what_it_was_before_they_were_clipped(
    make_run: MakeRun, overrides: tuple[str, ...]
) -> None:
    whole, clipped = (
        make_trainer(make_run(*overrides, *clip, name=name))
        for name, clip in (("whole", ()), ("clipped", ("optimizer.clip_norm=0.01",)))
    )
    whole.begin_epoch()
    whole.step()
    clipped.begin_epoch()
    clipped.step()
    squares = [
        (parameter.grad.double() ** 2).sum() for parameter in whole.vae.parameters() if parameter.grad is not None
    ]
    norm = float(torch.stack(squares).sum().sqrt())
    assert norm > 0.01
    assert whole.gradient_norm() == pytest.approx(norm, rel=1e-5)
    assert clipped.gradient_norm() == pytest.approx(norm, rel=1e-5)
