"""A run goes on from what is whole, as what it is, or is left as it was and says why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.errors import CheckpointError, DataError, RecipeError, RunError
from vae_tui.latent.sources import load_sets_of
from vae_tui.model.checkpoint import encode_tensors, load_checkpoint, read_tensors
from vae_tui.runs.best import best_checkpoint, choose_best
from vae_tui.runs.commands import Pause, Stop, Unpause, send_command
from vae_tui.runs.job import TrainingJob, start_trainer, wait_until_opened
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.log import read_events
from vae_tui.runs.metadata import read_metadata
from vae_tui.runs.resume import find_resume_point
from vae_tui.runs.status import read_status
from vae_tui.training.preparation import prepare_to_resume


@pytest.fixture
def saved_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every epoch is saved, however short."""
    monkeypatch.setattr("vae_tui.training.checkpoints._SECONDS_BETWEEN", 0.0)


def _go_on(run: Run, *overrides: str, from_step: int | None = None) -> list[ev.Event]:
    from vae_tui.training.train_run import train_run

    job = TrainingJob(resume=run.name, overrides=overrides, device="cpu", from_step=from_step)
    return list(train_run(run, job))


def _trained(make_run: MakeRun, *overrides: str, name: str = "run") -> Run:
    run = make_run("train.epochs=3", "data.validation=0.2", *overrides, name=name)
    list(train_events(run))
    return run


def test_a_torn_newest_pair_is_passed_over_with_a_note(make_run: MakeRun, saved_often: None) -> None:
    run, whole = _trained(make_run), _trained(make_run, name="whole")
    newest = run.latest()
    os.truncate(newest.path, 1000)
    before = run.checkpoints()[-2].step
    events = _go_on(run, "train.epochs=3")
    notes = [event.note for event in events if isinstance(event, ev.NoteAdded)]
    assert any(f"going on from step {before:,}, the newest whole one" in note for note in notes)
    assert newest.path.read_bytes() == (whole.path / newest.path.name).read_bytes()
    assert (run.path / f"{newest.path.name}.set-aside").stat().st_size == 1000


def test_a_damaged_newest_pair_is_named_and_another_offered(make_run: MakeRun, saved_often: None) -> None:
    run, whole = _trained(make_run), _trained(make_run, name="whole")
    newest, before = run.latest(), run.checkpoints()[-2].step
    content = bytearray(newest.state_path.read_bytes())
    content[-5] ^= 1
    newest.state_path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{newest.state_path.name} is damaged.* --from {before}"):
        _go_on(run, "train.epochs=4")
    _go_on(run, from_step=before)
    assert newest.path.read_bytes() == (whole.path / newest.path.name).read_bytes()
    with pytest.raises(CheckpointError, match="no checkpoint of step 999 to go on from; there are: "):
        _go_on(run, from_step=999)


def test_other_weights_or_another_state_under_a_name_are_refused(make_run: MakeRun, saved_often: None) -> None:
    run, other = _trained(make_run), _trained(make_run, "train.seed=1", name="other")
    first, newest = run.checkpoints()[-2], run.latest()
    kept = newest.path.read_bytes()
    shutil.copy(first.path, newest.path)
    with pytest.raises(CheckpointError, match=f"is named by step {newest.step:,}, but is of step {first.step:,}"):
        _go_on(run, "train.epochs=4")
    newest.path.write_bytes(kept)
    shutil.copy(other.latest().state_path, newest.state_path)
    with pytest.raises(CheckpointError, match="do not belong together"):
        _go_on(run, "train.epochs=4")


def test_one_damaged_old_file_stops_neither_training_nor_sampling_nor_pruning(
    make_run: MakeRun, saved_often: None
) -> None:
    run = _trained(make_run)
    run.checkpoints()[0].path.write_bytes(b"no checkpoint")
    choice = choose_best(run)
    assert run.checkpoints()[0].path.name in choice.notes[0]
    load_checkpoint(choice.checkpoint.path)
    last = _go_on(run, "train.epochs=6", "train.keep=2")[-1]
    assert isinstance(last, ev.RunFinished)
    assert last.status == "completed"
    assert len(run.checkpoints()) <= 3


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        (
            'activation = "relu"',
            'activation = "tanh"',
            '[model] was edited: the run was trained with activation = "relu"',
        ),
        ('name = "adam"', 'name = "sgd"', "[optimizer] name was edited"),
        ('binarize = "none"', 'binarize = "static"', '[data] was edited: the run was trained with binarize = "none"'),
    ],
)
def test_an_edited_recipe_is_not_gone_on_with(make_run: MakeRun, before: str, after: str, named: str) -> None:
    run = _trained(make_run)
    text = run.recipe_path.read_text()
    assert before in text
    run.recipe_path.write_text(text.replace(before, after))
    with pytest.raises(RecipeError) as caught:
        _go_on(run, "train.epochs=4")
    assert named in str(caught.value)


def test_a_change_that_fails_leaves_recipe_and_checkpoints_as_they_were(make_run: MakeRun) -> None:
    run = _trained(make_run)
    recipe, files = run.recipe_path.read_bytes(), sorted(os.listdir(run.path))
    with pytest.raises(DataError, match=r"/typo is not there; put it back, or name where it is: --data-root DIR"):
        _go_on(run, "train.epochs=4", "data.root=/typo")
    assert read_status(run).phase == "completed"
    last = _go_on(run, "train.epochs=9", "optimizer.lr=1e30")[-1]
    assert isinstance(last, ev.RunFinished)
    assert last.status == "failed"
    assert run.recipe_path.read_bytes() == recipe
    assert sorted(os.listdir(run.path)) == files
    _go_on(run, "train.epochs=4")
    assert read_status(run).phase == "completed"
    assert "epochs = 4" in run.recipe_path.read_text()


def test_a_root_given_as_one_stands_is_kept_absolute_and_found_by_every_command(
    make_run: MakeRun, images_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = _trained(make_run)
    checkpoint = best_checkpoint(run).path
    (tmp_path / "sub").mkdir()
    moved = images_path.rename(tmp_path / "sub" / "renamed.npy")
    monkeypatch.chdir(tmp_path / "sub")
    metadata = read_metadata(checkpoint)
    with pytest.raises(DataError, match=r"blobs.npy is not there; .*--data-root DIR"):
        load_sets_of(metadata, None, lambda *_: None, checkpoint)
    assert load_sets_of(metadata, Path("renamed.npy"), lambda *_: None, checkpoint).notes == ()
    _go_on(run, "train.epochs=4", "data.root=renamed.npy")
    monkeypatch.chdir(tmp_path)
    assert f'root = "{moved}"' in run.recipe_path.read_text()
    assert load_sets_of(metadata, None, lambda *_: None, checkpoint).notes == ()


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_changed_images_of_any_split_are_refused_and_said(make_run: MakeRun, tmp_path: Path, split: str) -> None:
    images = np.random.default_rng(0).integers(0, 99, (60, 8, 6), dtype=np.uint8)
    arrays = {"train_images": images[:40], "validation_images": images[40:50], "test_images": images[50:]}
    np.savez(tmp_path / "split.npz", **arrays)  # type: ignore[arg-type]
    run = make_run(f"data.root={tmp_path / 'split.npz'}", "train.epochs=1")
    list(train_events(run))
    arrays[f"{split}_images"] = 255 - arrays[f"{split}_images"]
    np.savez(tmp_path / "split.npz", **arrays)  # type: ignore[arg-type]
    named = {"train": "training"}.get(split, split)
    with pytest.raises(RunError, match=f"the {named} images are not those of this run"):
        _go_on(run, "train.epochs=2")
    notes = load_sets_of(read_metadata(run.latest().path), None, lambda *_: None).notes
    assert any(f"the {named} images are not those the checkpoint was trained and validated with" in n for n in notes)


def test_a_run_killed_before_its_last_word_is_ended_by_going_on(make_run: MakeRun) -> None:
    run = _trained(make_run)
    lines = run.events_path.read_text().splitlines(keepends=True)
    run.events_path.write_text("".join(lines[:-1]))
    assert read_status(run).phase == "interrupted"
    last = _go_on(run)[-1]
    assert isinstance(last, ev.RunFinished)
    assert last.status == "completed"
    assert read_status(run).phase == "completed"
    with pytest.raises(RunError, match="has finished its 3 epochs"):
        _go_on(run)


@pytest.mark.parametrize(("stopped", "holds"), [(False, True), (True, False)])
def test_a_pause_holds_until_somebody_ends_it_or_stops_the_run(make_run: MakeRun, stopped: bool, holds: bool) -> None:
    run = make_run("train.epochs=3")
    events = train_events(run)
    for event in events:
        if isinstance(event, ev.TrainingStarted):
            send_command(run, Pause())
        elif isinstance(event, ev.CommandDone) and event.command == "pause":
            if not stopped:
                break
            send_command(run, Stop())
    events.close()
    again = train_events(run, resume=True)
    found = []
    for event in again:
        found.append(event)
        if isinstance(event, ev.CommandDone) and event.command == "pause":
            assert "paused, as it was before" in event.message
            send_command(run, Unpause())
    assert any(isinstance(event, ev.CommandDone) and event.command == "unpause" for event in found) == holds
    assert read_status(run).phase == "completed"


def test_a_run_killed_between_its_first_best_and_its_first_checkpoint_goes_on_exactly(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    run = make_run("train.epochs=2000", "data.validation=0.2", name="broken")
    with monkeypatch.context() as patched:
        # The first epoch is the best, and waits for the first checkpoint, which is not written any more.
        patched.setattr("vae_tui.training.checkpoints.is_better", lambda _, best: best is None)
        patched.setattr("vae_tui.training.checkpoints.Checkpoints._save", killed)
        with pytest.raises(RuntimeError, match="killed"):
            list(train_events(run))
    (first,) = run.checkpoints()
    assert first.state_path.exists()
    _go_on(run, "train.epochs=30")
    anew = make_run("train.epochs=30", "data.validation=0.2", name="anew")
    list(train_events(anew))
    weights, expected = (read_tensors(one.latest().path)[0] for one in (run, anew))
    assert all((weights[name] == tensor).all() for name, tensor in expected.items())


def test_what_killed_trainers_left_is_removed_when_a_run_goes_on(make_run: MakeRun) -> None:
    run = _trained(make_run)
    for left in (".step-000000099.safetensors.4711", "images/.samples.png.4711", "commands/.0-0.json.4711"):
        (run.path / left).write_bytes(bytes(1000))
    (run.path / ".notes").write_text("mine")
    _go_on(run, "train.epochs=4")
    assert [path.name for path in run.path.rglob(".*")] == [".notes"]


@pytest.mark.slow
def test_a_renamed_run_trains_on_in_its_folder_and_its_name_is_free(tmp_path: Path, images_path: Path) -> None:
    settings = ("data.name=npz", f"data.root={images_path}", "model.hidden=[8]", "train.threads=1")
    trainers: list[subprocess.Popen[bytes]] = []
    runs: list[Run] = []
    try:
        for _ in range(2):
            job = TrainingJob(
                recipe="digits",
                overrides=(*settings, "train.epochs=1000000"),
                runs_dir=tmp_path,
                name="mine",
                device="cpu",
            )
            trainers.append(start_trainer(job))
            run = wait_until_opened(trainers[-1]).run
            while not any(isinstance(event, ev.EpochCompleted) for event in read_events(run.events_path)):
                assert trainers[-1].poll() is None
                time.sleep(0.05)
            if not runs:
                run.path.rename(tmp_path / "renamed")
            runs.append(run)
        first, second = Run(tmp_path / "renamed"), Run(tmp_path / "mine")
        assert [lock_holder(run.path) for run in (first, second)] == [trainer.pid for trainer in trainers]
        for run, trainer in zip((first, second), trainers, strict=True):
            send_command(run, Stop())
            assert trainer.wait(60) == 130
            assert {event.pid for event in read_events(run.events_path) if isinstance(event, ev.RunStarted)} == {
                trainer.pid
            }
            assert read_status(run).phase == "stopped"
            assert run.checkpoints()
    finally:
        for trainer in trainers:
            trainer.kill()
            trainer.wait()


@pytest.mark.slow
def test_a_lock_that_was_deleted_lets_no_second_trainer_in_and_comes_back(tmp_path: Path, images_path: Path) -> None:
    settings = ("data.name=npz", f"data.root={images_path}", "model.hidden=[8]", "train.threads=1")
    job = TrainingJob(recipe="digits", overrides=(*settings, "train.epochs=1000000"), runs_dir=tmp_path, name="mine")
    trainer = start_trainer(job)
    try:
        run = wait_until_opened(trainer).run
        while not any(isinstance(event, ev.EpochCompleted) for event in read_events(run.events_path)):
            time.sleep(0.05)
        (run.path / "lock").unlink()
        go_on = [
            sys.executable,
            "-m",
            "vae_tui",
            "train",
            "--resume",
            "mine",
            "--runs-dir",
            str(tmp_path),
            "--ui",
            "plain",
        ]
        second = subprocess.run(go_on, capture_output=True, text=True)
        assert second.returncode == 2
        assert "mine is being trained by" in second.stderr
        while lock_holder(run.path) != trainer.pid:
            assert trainer.poll() is None
            time.sleep(0.05)
    finally:
        trainer.kill()
        trainer.wait()


def test_a_checkpoint_that_claims_a_huge_network_is_refused_by_its_header(make_run: MakeRun, tmp_path: Path) -> None:
    run = _trained(make_run)
    tensors, metadata = read_tensors(run.latest().path)
    claims: list[dict[str, dict[str, object]]] = [
        {"model": {"hidden": [65536, 65536]}},
        {"model": {"hidden": [16] * 20_000}},
        {"model": {"posterior": "iaf", "flow_hidden": 65536, "flow_steps": 32}},
        {"prior": {"name": "vamp", "components": 65536}},
    ]
    for claim in claims:
        recipe = {
            **metadata["recipe"],
            **{table: {**metadata["recipe"][table], **keys} for table, keys in claim.items()},
        }
        path = tmp_path / "huge.safetensors"
        path.write_bytes(encode_tensors(tensors, {**metadata, "recipe": recipe}))
        with pytest.raises(CheckpointError, match=r"does not fit|more layers than tensors"):
            load_checkpoint(path)
    sparse = tmp_path / "sparse.safetensors"
    shutil.copy(run.latest().path, sparse)
    os.truncate(sparse, 8 << 30)
    with pytest.raises(CheckpointError, match="its header says"):
        load_checkpoint(sparse)


def test_state_fields_of_other_types_are_named(make_run: MakeRun) -> None:
    run = _trained(make_run)
    path = run.latest().state_path
    tensors, numbers = read_tensors(path)
    for key, value in (
        ("epoch", "3"),
        ("position", None),
        ("elapsed_seconds", []),
        ("best_loss", "x"),
        ("threads", -1),
    ):
        path.write_bytes(encode_tensors(tensors, {**numbers, key: value}))
        with pytest.raises(CheckpointError, match=rf"`{key}` is "):
            find_resume_point(run)
    path.write_bytes(encode_tensors(tensors, {key: value for key, value in numbers.items() if key != "position"}))
    with pytest.raises(CheckpointError, match="lacks position"):
        find_resume_point(run)


def test_preparing_changes_nothing_where_it_refuses(make_run: MakeRun) -> None:
    run = _trained(make_run)
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    with pytest.raises(RunError, match="has finished"):
        prepare_to_resume(run, TrainingJob(resume=run.name))
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


def test_weights_that_were_taken_away_are_missed_and_their_states_stay(make_run: MakeRun, tmp_path: Path) -> None:
    run = _trained(make_run)
    newest = run.latest()
    kept = newest.path.rename(tmp_path / newest.path.name)
    with pytest.raises(CheckpointError, match=rf"{newest.path.name} is not there, though it was saved: put it back"):
        _go_on(run, "train.epochs=4")
    assert newest.state_path.exists()
    kept.rename(newest.path)
    _go_on(run, "train.epochs=4")


def test_a_run_whose_checkpoints_are_all_gone_is_not_begun_again(make_run: MakeRun) -> None:
    run = _trained(make_run)
    for file in (*run.path.glob("step-*"), *run.path.glob("state-*")):
        file.unlink()
    log = run.events_path.read_bytes()
    with pytest.raises(
        CheckpointError, match=r"has no checkpoint any more, though one of step \d+ was saved: put it back"
    ):
        _go_on(run, "train.epochs=4")
    assert run.events_path.read_bytes() == log


def test_what_is_set_aside_twice_is_kept_twice_and_said(make_run: MakeRun, saved_often: None) -> None:
    run = _trained(make_run)
    newest, before = run.latest(), run.checkpoints()[-2].step
    first = newest.path.read_bytes()
    for lr in ("0.1", "0.05"):
        events = _go_on(run, f"optimizer.lr={lr}", from_step=before)
        (started,) = [event for event in events if isinstance(event, ev.TrainingStarted)]
        assert any(newest.path.name in note and "end in .set-aside" in note for note in started.notes)
    aside = newest.path.with_name(f"{newest.path.name}.set-aside")
    assert aside.read_bytes() == first
    assert aside.with_name(f"{aside.name}-2").exists()


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def test_where_only_states_are_damaged_a_new_run_can_start_from_the_weights(
    make_run: MakeRun, saved_often: None
) -> None:
    run = _trained(make_run)
    newest, before = run.latest(), run.checkpoints()[-2]
    _flip_a_bit(newest.state_path)
    offer = f"vae-tui train {run.recipe_path} --set train.start_from={newest.path}"
    with pytest.raises(CheckpointError) as caught:
        _go_on(run, "train.epochs=4")
    assert f"--from {before.step}" in str(caught.value)
    assert offer in str(caught.value)
    for checkpoint in run.checkpoints()[:-1]:
        _flip_a_bit(checkpoint.state_path)
    with pytest.raises(CheckpointError) as caught:
        _go_on(run, "train.epochs=4")
    assert f"its weights of step {newest.step:,} are whole, start a new run from them with: {offer}" in str(
        caught.value
    )
    started = make_run(f"train.start_from={newest.path}", name="started")
    list(train_events(started))
    assert read_status(started).phase == "completed"


def test_a_pair_of_another_run_is_told_to_be_one(make_run: MakeRun) -> None:
    run, other = _trained(make_run), _trained(make_run, "train.seed=1", name="other")
    newest = run.latest()
    for path in (newest.path, newest.state_path):
        shutil.copy(other.path / path.name, path)
    told = rf"{newest.path.name} and {newest.state_path.name} belong to another run: it was trained with train.seed = 1"
    with pytest.raises(CheckpointError, match=told):
        _go_on(run, "train.epochs=4")


def _strip_digests(path: Path) -> None:
    tensors, metadata = read_tensors(path)
    for digest in ("tensors_sha256", "metadata_sha256"):
        metadata.pop(digest)
    safetensors.torch.save_file(tensors, path, {"vae_tui": json.dumps(metadata)})


def test_a_file_of_a_run_that_lost_its_digests_is_refused(make_run: MakeRun, saved_often: None) -> None:
    run = _trained(make_run)
    newest, first = run.latest(), run.checkpoints()[0]
    kept = newest.state_path.read_bytes()
    _strip_digests(newest.state_path)
    with pytest.raises(
        CheckpointError, match=rf"{newest.state_path.name} carries no digests, though {newest.path.name}"
    ):
        find_resume_point(run)
    newest.state_path.write_bytes(kept)
    _strip_digests(newest.path)
    newest.state_path.unlink()
    assert any(f"{newest.path} carries no digests, though {first.path.name} does" in n for n in choose_best(run).notes)
    load_checkpoint(newest.path)


def test_a_run_whose_files_never_had_digests_goes_on(make_run: MakeRun, saved_often: None) -> None:
    run = _trained(make_run)
    for checkpoint in run.checkpoints():
        tensors, numbers = read_tensors(checkpoint.state_path)
        numbers.pop("weights_sha256")
        checkpoint.state_path.write_bytes(encode_tensors(tensors, numbers))
        _strip_digests(checkpoint.state_path)
        _strip_digests(checkpoint.path)
    assert choose_best(run).notes == ()
    _go_on(run, "train.epochs=4")
    assert choose_best(run).notes == ()


def test_files_that_may_not_be_read_are_not_called_damaged(make_run: MakeRun) -> None:
    run = _trained(make_run)
    with tempfile.TemporaryDirectory() as folder:
        readable = Run(Path(folder) / "run")
        shutil.copytree(run.path, readable.path)
        for path in (Path(folder), readable.path):
            path.chmod(0o755)
        readable.latest().state_path.chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # whom files forbid something
        try:
            with pytest.raises(
                CheckpointError, match=r"Permission denied; give yourself the right to, as by: chmod u\+r"
            ):
                find_resume_point(readable)
        finally:
            os.seteuid(user)
