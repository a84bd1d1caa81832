"""Lines of a log, recipes, commands and input of any values: read, left out or named, never the end of a front end."""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from chaos.conftest import Tally
from chaos.values import SETTINGS, values
from hypothesis import given
from hypothesis import strategies as st
from textual._xterm_parser import XTermParser

from vae_tui import events as ev
from vae_tui.errors import RecipeError
from vae_tui.headless import PlainView
from vae_tui.imaging.replies import ReplyFilter
from vae_tui.recipe import parse
from vae_tui.recipe.tables import TABLES
from vae_tui.runs.commands import COMMANDS, claim_commands
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.series import Along, Axis
from vae_tui.runs.summary import summarize
from vae_tui.tui.graphics.app import PictureApp
from vae_tui.tui.graphics.driver import PictureDriver
from vae_tui.tui.graphics.flood import Flood, OpenPaste

pytestmark = pytest.mark.slow
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
    ev.CommandDone(**_now, command="set", message="so", values={"key": "objective.beta", "value": 4.0, "loss": "x"}),
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

    @SETTINGS
    @given(st.data())
    def read(data: st.DataObject) -> None:
        bodies = [dict(body) for body in _BODIES]
        for _ in range(data.draw(st.integers(1, 3))):
            body = data.draw(st.sampled_from(bodies))
            key = data.draw(st.sampled_from(sorted(body)))
            if isinstance(body[key], dict) and body[key] and data.draw(st.booleans()):
                body[key] = {**body[key], data.draw(st.sampled_from(sorted(body[key]))): data.draw(values)}
            elif data.draw(st.integers(0, 9)) == 0:
                del body[key]
            else:
                body[key] = data.draw(values)
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
                series.thin(40, Along(axis, history.steps_per_epoch))
                series.column_means(40, Along(axis, history.steps_per_epoch))
        _ = history.eta_seconds, history.name_of_data, history.prior_is_normal, history.validates, history.epochs
        summarize(run)
        out = capsys.readouterr()
        assert "\x1b" not in out.out + out.err
        counts.add("left out and said" if feed.skipped_lines else "read")

    read()


def test_any_recipe_is_read_or_named(tally: Callable[[str], Tally]) -> None:
    counts = tally("recipes of any values")
    keys = [(name, key) for name, table in TABLES.items() for key in table.model_fields]

    @SETTINGS
    @given(st.lists(st.tuples(st.sampled_from(keys), values), max_size=5))
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

    @SETTINGS
    @given(
        st.one_of(
            st.binary(max_size=200),
            values.map(lambda value: json.dumps({"command": value}).encode()),
            st.builds(
                lambda name, key, value: json.dumps({"command": name, "key": key, "value": value}).encode(),
                st.sampled_from(sorted(COMMANDS)),
                st.one_of(st.just("objective.beta"), values),
                values,
            ),
        )
    )
    def claim(content: bytes) -> None:
        (run.commands_path / "0-0.json").write_bytes(content)
        (sent,) = claim_commands(run)
        assert list(run.commands_path.iterdir()) == []
        counts.add("unknown" if sent.command.name == "unknown" else "known")

    claim()


_PIECES = [
    *(b"\x1b[", b"\x1b", b"\x1b]", b"\x1bP", b"\x1b_G", b"\x1b\\", b"\x07", b"\x1b[200~", b"\x1b[201~", b";", b"0"),
    *(b"99999999", b"M", b"m", b"t", b"u", b"c", b"n", b"$y", b"<", b"?", b"R", b"~", b"\x1b[A", b"\x1bOP", b"\x1b[I"),
    *(b"\x1b[0n", b"\x1b[?62;4c", b"\x1b[<0;5;5M", b"\x1b[48;24;80;480;800t", b"\x1b[1114112u", b"\xff", b"\0"),
]
_input = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(_PIECES), st.sampled_from(_PIECES), st.binary(max_size=20), st.just(b"x" * 3000)),
        st.sampled_from([0.0, 0.0, 0.001, 0.06, 0.2, 1.0, 5.0]),
    ),
    max_size=25,
)


@pytest.fixture
async def driver(monkeypatch: pytest.MonkeyPatch) -> PictureDriver:
    """A driver without a terminal."""
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return PictureDriver(PictureApp())


async def test_whatever_a_terminal_sends_is_keys_or_dropped_and_a_key_after_it_is_one(
    driver: PictureDriver, monkeypatch: pytest.MonkeyPatch, tally: Callable[[str], Tally]
) -> None:
    counts, clock = tally("terminal input of any bytes"), [100.0]
    posted: list[Any] = []
    monkeypatch.setattr(driver, "process_message", posted.append)
    monkeypatch.setattr(driver, "_post", lambda message: None)
    monkeypatch.setattr("vae_tui.tui.graphics.driver.time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr("textual._parser.get_time", lambda: clock[0])

    @SETTINGS
    @given(_input, st.booleans())
    def send(chunks: list[tuple[bytes, float]], text: bool) -> None:
        driver._flood, driver._replies, driver._paste = Flood(), ReplyFilter(), OpenPaste()
        driver._parser = XTermParser()
        driver._owner = SimpleNamespace(takes_text=text)
        decode = getincrementaldecoder("utf-8")("replace").decode
        # What may still become an answer or the end of a paste is given up in a pause.
        for data, seconds in [*chunks, (b"", 1.0), (b"", 5.0), (b"", 5.0)]:
            clock[0] += seconds
            driver._take_input(decode, data)
        assert driver._replies.next_release(clock[0]) is None
        assert driver._flood.next_release(clock[0]) is None
        posted.clear()
        driver._take_input(decode, b"n")
        assert [event.key for event in posted if hasattr(event, "key")][-1:] == ["n"]
        counts.add("passed on")

    send()
