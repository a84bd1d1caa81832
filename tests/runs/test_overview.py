"""All runs of a folder, read again only where they changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_trainer import FakeTrainer

from vae_tui.errors import RunError
from vae_tui.runs.groups import group_by_recipe, group_seeds
from vae_tui.runs.layout import Run
from vae_tui.runs.overview import Overview
from vae_tui.runs.summary import Summary


def make(folder: Path, name: str, epochs: int = 2, **settings: Any) -> FakeTrainer:
    trainer = FakeTrainer(Run.create(folder, name, "", exact=True))
    trainer.start(**settings)
    trainer.begin()
    for _ in range(epochs):
        trainer.train_epoch(every=60)
    trainer.finish("completed")
    return trainer


def read(overview: Overview) -> list[Summary]:
    *_, (runs, count) = overview.read()
    assert len(runs) == count
    return runs


def test_a_long_list_comes_in_parts_the_first_time(tmp_path: Path) -> None:
    for index in range(45):
        FakeTrainer(Run.create(tmp_path, f"run-{index}", "", exact=True)).start()
    overview = Overview(tmp_path)
    assert [(len(runs), count) for runs, count in overview.read()] == [(40, 45), (45, 45)]
    assert [(len(runs), count) for runs, count in overview.read()] == [(45, 45)]


def test_what_did_not_change_is_the_same_object(tmp_path: Path) -> None:
    make(tmp_path, "a")
    b = make(tmp_path, "b")
    overview = Overview(tmp_path)
    before = {run.name: run for run in read(overview)}
    b.start(resumed_from=240)
    after = {run.name: run for run in read(overview)}
    assert after["a"] is before["a"]
    assert after["b"] is not before["b"]


def test_a_run_whose_files_went_has_another_size(tmp_path: Path) -> None:
    run = make(tmp_path, "a").run
    (run.path / "step-000000120.safetensors").write_bytes(bytes(1 << 20))
    overview = Overview(tmp_path)
    before = read(overview)[0].size_bytes
    (run.path / "step-000000120.safetensors").unlink()
    assert read(overview)[0].size_bytes < before


def test_the_curve_is_of_every_epoch(tmp_path: Path) -> None:
    make(tmp_path, "a", epochs=5)
    overview = Overview(tmp_path)
    curve = overview.curve(read(overview)[0])
    assert len(curve) == 5
    assert curve[-1] < curve[0]


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="no folder of runs"):
        read(Overview(tmp_path / "file"))


def test_runs_that_differ_in_their_seed_alone_are_a_group(tmp_path: Path) -> None:
    for name, settings in (("x-s0", {"seed": 0}), ("x-s1", {"seed": 1}), ("y", {"seed": 0, "batch_size": 50})):
        make(tmp_path, name, **settings)
    groups = group_seeds(sorted(read(Overview(tmp_path)), key=lambda run: run.name))
    assert [(group.name, len(group.runs)) for group in groups] == [("x-s", 2), ("y", 1)]


def test_runs_of_one_recipe_are_a_group_whatever_was_set(tmp_path: Path) -> None:
    make(tmp_path, "beta10-20260101-000000", epochs=1)
    make(tmp_path, "beta1-20260101-000000", epochs=1)
    make(tmp_path, "beta10-20260102-000000", epochs=1, batch_size=50)
    groups = group_by_recipe(sorted(read(Overview(tmp_path)), key=lambda run: run.name))
    assert [(group.name, len(group.runs)) for group in groups] == [("beta1", 1), ("beta10", 2)]


def test_runs_of_one_sweep_are_a_group_and_no_others_of_its_recipe(tmp_path: Path) -> None:
    make(tmp_path, "beta1-20260101-000000", epochs=1)
    for seed in (0, 1):
        make(tmp_path, f"betas-seed={seed}", epochs=1, seed=seed, sweep="betas")
    groups = group_by_recipe(sorted(read(Overview(tmp_path)), key=lambda run: run.name))
    assert [(group.name, len(group.runs)) for group in groups] == [("beta1", 1), ("sweep:betas", 2)]


def test_a_run_resumed_at_its_end_keeps_its_figures(tmp_path: Path) -> None:
    trainer = make(tmp_path, "a")
    before = read(Overview(tmp_path))[0]
    trainer.start(resumed_from=trainer.step)
    trainer.begin()
    trainer.finish("completed")
    after = read(Overview(tmp_path))[0]
    assert after.validation == before.validation
    assert after.epoch == before.epoch


def test_figures_after_the_step_a_run_was_resumed_from_do_not_count(tmp_path: Path) -> None:
    trainer = make(tmp_path, "a", epochs=3)
    trainer.start(resumed_from=120)
    assert read(Overview(tmp_path))[0].epoch == 1
