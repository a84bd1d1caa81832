"""Lines of a log, recipes and commands of any values: read, left out or named, and never the end of a front end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from chaos.conftest import LONG_SECONDS, Tally
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vae_tui import events as ev
from vae_tui.errors import RecipeError
from vae_tui.headless import PlainView
from vae_tui.recipe import parse
from vae_tui.recipe.tables import TABLES
from vae_tui.runs.commands import COMMANDS, claim_commands
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.series import Axis
from vae_tui.runs.summary import summarize

pytestmark = pytest.mark.slow
_TRIES = int(150 + 2.5 * LONG_SECONDS)
_SETTINGS = settings(
    max_examples=_TRIES,
    deadline=None,
    derandomize=not LONG_SECONDS,
    database=None,
    suppress_health_check=list(HealthCheck),
)

_numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_subnormal=False),
    st.sampled_from([0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 1e308, -0.0]),
)
_texts = st.one_of(
    st.text(max_size=20), st.sampled_from(["", "\x1b[31m", "\u202e", "a\nb", "[red]", "../x", "\x00", "é" * 500])
)
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, _texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["loss", "elbo", "rate", "distortion", "train", "x"]), inner, max_size=4),
    ),
    max_leaves=8,
)
_figures: ev.Figures = {"loss": 3.0, "elbo": -3.0, "distortion": 2.0, "rate": 1.0}
_now: dict[str, Any] = {"time": 1.0, "step": 10}
_LINES: list[ev.Event] = [
    ev.RunStarted(**_now, pid=1, version="0.1.0", recipe={"train": {"epochs": 3}, "data": {"name": "digits"}}),
    ev.StageProgressed(**_now, stage="importing", done=1, total=3),
    ev.TrainingStarted(
        **_now,
        device="cpu",
        threads=1,
        versions={"torch": "2"},
        parameter_count=10,
        data_sizes={"train": 100, "validation": 10, "test": 10},
        image_shape=(1, 8, 8),
        network="mlp 64-2",
        steps_per_epoch=5,
    ),
    ev.EpochStarted(**_now, epoch=2),
    ev.StepCompleted(**_now, epoch=2, steps=3, train=_figures, beta=1.0, lr=1e-3, images_per_second=9.0),
    ev.ImagesDrawn(**_now, kind="samples", epoch=2, path="images/a.png", count=4, columns=2, padding=1),
    ev.CheckpointSaved(**_now, epoch=2, path="step-000000010.safetensors", best=True),
    ev.CommandDone(**_now, command="pause", message="paused", id="1"),
    ev.NoteAdded(**_now, note="busy"),
    ev.EpochCompleted(
        **_now,
        epoch=2,
        train=_figures,
        validation=_figures,
        rate_per_dimension=[0.5, 0.5],
        beta=1.0,
        lr=1e-3,
        images_per_second=9.0,
        elapsed_seconds=2.0,
    ),
    ev.RunFinished(**_now, status="completed", reason="3 epochs", epoch=3),
]
_BODIES = [json.loads(ev.to_json(event)) for event in _LINES]


@pytest.fixture
def run(tmp_path: Any) -> Run:
    """A run without a trainer."""
    return Run.create(tmp_path, "run", "[data]\nname = 'digits'\n", exact=True)


def test_any_value_in_any_field_of_a_log_is_read_or_left_out_and_said(
    run: Run, tally: Callable[[str], Tally], capsys: pytest.CaptureFixture[str]
) -> None:
    counts = tally("fields of log lines of any value")

    @_SETTINGS
    @given(st.data())
    def read(data: st.DataObject) -> None:
        bodies = [dict(body) for body in _BODIES]
        for _ in range(data.draw(st.integers(1, 3))):
            body = data.draw(st.sampled_from(bodies))
            key = data.draw(st.sampled_from(sorted(body)))
            if isinstance(body[key], dict) and body[key] and data.draw(st.booleans()):
                body[key] = {**body[key], data.draw(st.sampled_from(sorted(body[key]))): data.draw(_values)}
            elif data.draw(st.integers(0, 9)) == 0:
                del body[key]
            else:
                body[key] = data.draw(_values)
        run.events_path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
        feed, view = RunFeed(run), PlainView()
        for logged in feed.follow(interval_seconds=0.0):
            if logged is not None:
                view.show(logged, feed)
        view.close()
        history = feed.history
        for step in (0, 1, history.step // 2, history.step):
            history.at(step)
        axes: tuple[Axis, ...] = ("step", "epoch", "time")
        for series in (*history.train.values(), *history.validation.values()):
            for axis in axes:
                series.thin(40, axis, steps_per_epoch=history.steps_per_epoch)
                series.column_means(40, axis, steps_per_epoch=history.steps_per_epoch)
        _ = history.eta_seconds, history.name_of_data, history.prior_is_normal, history.validates, history.epochs
        summarize(run)
        out = capsys.readouterr()
        assert "\x1b" not in out.out + out.err
        counts.add("left out and said" if feed.skipped_lines else "read")

    read()


def test_any_recipe_is_read_or_named(tally: Callable[[str], Tally]) -> None:
    counts = tally("recipes of any values")
    keys = [(name, key) for name, table in TABLES.items() for key in table.model_fields]

    @_SETTINGS
    @given(st.lists(st.tuples(st.sampled_from(keys), _values), max_size=5))
    def read(chosen: list[tuple[tuple[str, str], Any]]) -> None:
        tables: dict[str, dict[str, Any]] = {}
        for (name, key), value in chosen:
            tables.setdefault(name, {})[key] = value
        try:
            recipe, _ = parse(tables)
        except RecipeError as error:
            assert error.problems
            counts.add("named")
        else:
            recipe.to_toml()
            counts.add("read")

    read()


def test_any_file_among_the_commands_is_claimed_and_gone(run: Run, tally: Callable[[str], Tally]) -> None:
    counts = tally("commands of any content")

    @_SETTINGS
    @given(
        st.one_of(
            st.binary(max_size=200),
            _values.map(lambda value: json.dumps({"command": value}).encode()),
            st.builds(
                lambda name, key, value: json.dumps({"command": name, "key": key, "value": value}).encode(),
                st.sampled_from(sorted(COMMANDS)),
                st.one_of(st.just("objective.beta"), _values),
                _values,
            ),
        )
    )
    def claim(content: bytes) -> None:
        (run.commands_path / "0-0.json").write_bytes(content)
        (sent,) = claim_commands(run)
        assert list(run.commands_path.iterdir()) == []
        counts.add("unknown" if sent.command.name == "unknown" else "known")

    claim()
