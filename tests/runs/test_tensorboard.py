"""What TensorBoard reads back of a run that was exported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.errors import VaeTuiError
from vae_tui.runs import tensorboard
from vae_tui.runs.log import EventWriter, read_events
from vae_tui.runs.tensorboard import export_to_tensorboard

pytestmark = pytest.mark.slow


@pytest.fixture
def read_back() -> Any:
    """Loads a folder of event files as TensorBoard does."""
    reason = "the optional package tensorboard is not installed"
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason=reason)

    def read(folder: Path) -> Any:
        accumulator = module.EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
        accumulator.Reload()
        return accumulator

    return read


def test_figures_have_the_steps_and_times_of_the_log(make_run: MakeRun, tmp_path: Path, read_back: Any) -> None:
    run = make_run()
    list(train_events(run))
    # Of a run so short the trainer reports no step.
    figures: ev.Figures = {"loss": 12.5, "elbo": None, "distortion": 8.0, "rate": 4.5}
    report = ev.StepCompleted(
        time=1.5, step=2, epoch=1, steps=2, train=figures, beta=1.0, lr=1e-3, images_per_second=9.0
    )
    writer = EventWriter(run.events_path)
    writer.write(report)
    writer.close()
    exported = export_to_tensorboard(run, tmp_path / "board")
    events = read_events(run.events_path)
    epochs = [event for event in events if isinstance(event, ev.EpochCompleted)]
    board = read_back(tmp_path / "board")
    shown = board.Scalars("validation/elbo")
    assert [(each.step, each.wall_time) for each in shown] == [(epoch.step, epoch.time) for epoch in epochs]
    assert [each.value for each in shown] == pytest.approx([(epoch.validation or {})["elbo"] for epoch in epochs])
    reported = [(each.step, each.wall_time, each.value) for each in board.Scalars("train/loss")]
    assert reported[-1] == (2, 1.5, 12.5)
    tags = board.Tags()["scalars"]
    assert {"hyperparameters/beta", "hyperparameters/learning_rate", "rate_per_dimension/2", "latents/active"} <= set(
        tags
    )
    assert exported.scalars == sum(len(board.Scalars(tag)) for tag in tags)


def test_grids_are_images_and_the_recipe_is_a_text(make_run: MakeRun, tmp_path: Path, read_back: Any) -> None:
    run = make_run("train.epochs=1")
    list(train_events(run))
    drawn = [event for event in read_events(run.events_path) if isinstance(event, ev.ImagesDrawn)]
    gone = next(event for event in drawn if event.kind == "reconstructions")
    (run.path / gone.path).unlink()
    exported = export_to_tensorboard(run, tmp_path / "board")
    board = read_back(tmp_path / "board")
    samples = [event for event in drawn if event.kind == "samples"]
    for shown, event in zip(board.Images("samples"), samples, strict=True):
        assert shown.encoded_image_string == (run.path / event.path).read_bytes()
        assert (shown.step, shown.wall_time) == (event.step, event.time)
    assert exported.images == len(drawn) - 1
    (text,) = board.Tensors("recipe/text_summary")
    assert b"latent_dim = 3" in text.tensor_proto.string_val[0]


def test_of_many_grids_some_are_taken_evenly_and_the_last(
    make_run: MakeRun, tmp_path: Path, read_back: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorboard, "MOST_GRIDS", 4)
    run = make_run("train.epochs=1")
    list(train_events(run))
    drawn = [event for event in read_events(run.events_path) if isinstance(event, ev.ImagesDrawn)]
    template = next(event for event in drawn if event.kind == "samples")
    writer = EventWriter(run.events_path)
    for step in range(1001, 1018):
        writer.write(ev.ImagesDrawn(**{**vars(template), "step": step}))
    writer.close()
    export_to_tensorboard(run, tmp_path / "board")
    steps = [shown.step for shown in read_back(tmp_path / "board").Images("samples")]
    assert len(steps) == 4
    assert steps[-1] == 1017


def test_exporting_again_replaces_what_was_there(make_run: MakeRun, tmp_path: Path, read_back: Any) -> None:
    run = make_run("train.epochs=1")
    list(train_events(run))
    first = export_to_tensorboard(run, tmp_path / "board")
    second = export_to_tensorboard(run, tmp_path / "board")
    assert first == second
    assert list((tmp_path / "board").iterdir()) == [first.path]
    assert len(read_back(tmp_path / "board").Scalars("validation/elbo")) == 1


def test_neither_torch_nor_tensorflow_is_imported(make_run: MakeRun, tmp_path: Path, read_back: Any) -> None:
    run = make_run("train.epochs=1")
    list(train_events(run))
    program = (
        "import sys; from pathlib import Path; from vae_tui.runs.layout import Run\n"
        "from vae_tui.runs.tensorboard import export_to_tensorboard\n"
        f"export_to_tensorboard(Run(Path({str(run.path)!r})), Path({str(tmp_path / 'board')!r}))\n"
        "print({'torch', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_without_the_package_one_sentence_says_how_to_install_it(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(VaeTuiError, match=r"pip install 'vae-tui\[tensorboard\]'"):
        export_to_tensorboard(make_run(), tmp_path / "board")
    assert not (tmp_path / "board").exists()
