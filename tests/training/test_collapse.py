"""When latent dimensions die that is said once, and once more when they have woken."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from conftest import MakeRun, train_events

from vae_tui import events as ev
from vae_tui.recipe import parse
from vae_tui.runs.commands import Stop, send_command
from vae_tui.runs.layout import Run
from vae_tui.runs.log import read_events
from vae_tui.runs.status import read_status
from vae_tui.training.collapse import Collapse

DEAD = [0.0004] * 20
BRINK = [0.011] * 4 + [0.0004] * 16
FEW = [1.5] * 6 + [0.002] * 10 + [0.0004] * 4
MOST = [1.5] * 16 + [0.0004] * 4
MOST_TOLD = "rate 24.00 nats, the posterior variance stuck at 1 in 4"


def say(epochs: Sequence[Sequence[float]], **objective: object) -> dict[int, str]:
    """What is said, by the epoch it is said at."""
    recipe, _ = parse({"objective": objective})
    collapse = Collapse(recipe.objective)
    said = {epoch: collapse.look(epoch, 500 * epoch, rates) for epoch, rates in enumerate(epochs, 1)}
    return {epoch: text for epoch, text in said.items() if text is not None}


def test_a_collapse_is_told_once_with_what_it_means_and_what_helps() -> None:
    assert say([DEAD] * 50) == {
        2: "posterior collapse: 0 of 20 latent dimensions carry information; the decoder ignores z; a lower beta, a longer "
        "warm-up or free bits help (rate 0.01 nats, the posterior variance stuck at 1 in all)"
    }


def test_a_collapse_that_is_over_is_told_and_one_at_the_brink_is_not() -> None:
    said = say([DEAD, DEAD, BRINK, DEAD, BRINK, DEAD, MOST, MOST])
    assert list(said) == [2, 7]
    assert said[7] == f"posterior collapse is over: 16 of 20 latent dimensions carry information ({MOST_TOLD})"


def test_half_of_the_dimensions_dead_is_worth_a_word() -> None:
    said = say([FEW, FEW, FEW, MOST, MOST, FEW])
    assert said[2] == (
        "14 of 20 latent dimensions are dead, below 0.01 nats each; fewer would do as well; to wake them a lower beta, a "
        "longer warm-up or free bits help (rate 9.02 nats, the posterior variance stuck at 1 in 4)"
    )
    assert said[4] == f"dead latent dimensions woke: 16 of 20 latent dimensions carry information ({MOST_TOLD})"
    assert list(said) == [2, 4, 6]
    assert say([MOST] * 5) == {}


def test_dimensions_that_still_wake_are_given_time() -> None:
    growing = [[0.004 * 2**epoch if index < 2 * epoch else 0.0 for index in range(10)] for epoch in range(1, 5)]
    assert sum(rate < 0.01 for rate in growing[1]) >= 5
    assert say(growing) == {}


@pytest.mark.parametrize(
    ("objective", "at"),
    [
        ({"warmup_epochs": 6}, 6),
        ({"warmup_epochs": 6.5, "schedule": "sigmoid"}, 7),
        ({"warmup_epochs": 4, "schedule": "cyclical", "cycle_epochs": 8}, 4),
        ({"warmup_epochs": 5, "schedule": "cyclical", "cycle_epochs": 5}, 5),
        ({"name": "capacity", "capacity_epochs": 9}, 9),
        ({"name": "iwae"}, 2),
        ({"beta": 1000}, 2),
    ],
)
def test_nothing_is_said_before_the_weight_of_the_rate_has_risen(objective: dict[str, object], at: int) -> None:
    assert list(say([DEAD] * 30, **objective)) == [at]


def test_nothing_is_said_in_the_first_steps_of_a_small_set() -> None:
    recipe, _ = parse({})
    collapse = Collapse(recipe.objective)
    assert [step for step in range(10, 300, 10) if collapse.look(step // 10, step, DEAD)] == [200]


def test_a_model_that_is_to_collapse_is_no_news() -> None:
    assert say([DEAD] * 10, distortion=False) == {}


def test_shares_of_a_rate_may_be_below_zero() -> None:
    assert say([[-0.5] * 20] * 3) == {}


def notes(run: Run) -> list[str]:
    return [event.note for event in read_events(run.events_path) if isinstance(event, ev.NoteAdded)]


def test_a_run_says_it_in_its_log_and_a_resumed_one_does_not_say_it_again(make_run: MakeRun) -> None:
    run = make_run("objective.beta=1000", "train.epochs=60", "optimizer.lr=0.01")
    for event in train_events(run):
        if isinstance(event, ev.NoteAdded):
            send_command(run, Stop())
    assert read_status(run).phase == "stopped"
    (note,) = notes(run)
    assert note.startswith("posterior collapse: 0 of 3 latent dimensions carry information")
    list(train_events(run, resume=True))
    assert read_status(run).phase == "completed"
    assert notes(run) == [note]
    order = [event.event for event in read_events(run.events_path)]
    assert order[order.index("note_added") - 1] == "epoch_completed"


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [("optimizer.lr=0.01",), ("objective.distortion=false", "optimizer.lr=0.01")])
def test_a_run_without_trouble_or_without_distortion_says_nothing(
    make_run: MakeRun, overrides: tuple[str, ...]
) -> None:
    run = make_run("train.epochs=60", *overrides)
    list(train_events(run))
    assert notes(run) == []
