from __future__ import annotations

from typing import Any

from vae_tui import events as ev
from vae_tui.runs.identity import find_differences, logged_recipe, why_not_of_run
from vae_tui.runs.layout import Run
from vae_tui.runs.log import EventWriter

RECIPE: dict[str, dict[str, Any]] = {
    "data": {"name": "npz", "root": "/here.npz"},
    "model": {"network": "mlp", "hidden": [16]},
    "objective": {"name": "elbo", "beta": 1.0},
    "train": {"seed": 0, "epochs": 3},
}


def test_a_run_is_the_same_however_long_it_trains_and_wherever_its_images_are() -> None:
    later = {
        **RECIPE,
        "data": {"name": "npz", "root": "/there.npz"},
        "objective": {"name": "elbo", "beta": 4.0},
        "train": {"seed": 0, "epochs": 9},
    }
    assert list(find_differences(RECIPE, later)) == []


def test_other_networks_seeds_and_starts_are_other_runs() -> None:
    other = {**RECIPE, "model": {"network": "mlp", "hidden": [8]}, "train": {"seed": 1, "start_from": "/a.safetensors"}}
    found = [(difference.key, difference.value, difference.other) for difference in find_differences(RECIPE, other)]
    assert found == [
        ("model.hidden", [16], [8]),
        ("train.seed", 0, 1),
        ("train.start_from", None, "/a.safetensors"),
    ]
    assert why_not_of_run(RECIPE, other) == "it was trained with model.hidden = [16], and the run with [8]"


def test_what_a_recipe_does_not_say_tells_no_runs_apart() -> None:
    assert why_not_of_run(RECIPE, {}) == ""
    assert why_not_of_run(RECIPE, None) == ""
    assert why_not_of_run({"model": {"network": "mlp", "new_key": 1}}, RECIPE) == ""


def test_the_recipe_a_run_began_with_is_its_logs_first(run: Run) -> None:
    assert logged_recipe(run) is None
    writer = EventWriter(run.events_path)
    for step, recipe in enumerate((RECIPE, {"train": {"seed": 9}})):
        writer.write(ev.RunStarted(time=1.0, step=step, pid=1, version="0", recipe=recipe))
    writer.close()
    assert logged_recipe(run) == RECIPE
