"""What the training screen says of a run, from its start to its end, however that comes."""

from __future__ import annotations

import asyncio
import itertools
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from shown import rest

from vae_tui import events as ev
from vae_tui.recipe import parse
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.lock import acquire_lock, release_lock
from vae_tui.tui.app import VaeTuiApp
from vae_tui.tui.screens.training import TrainingScreen
from vae_tui.tui.widgets.rates import RateBars

pytestmark = pytest.mark.slow

SIZES = [(80, 24), (120, 40), (200, 60)]


async def test_a_starting_trainer_is_never_without_a_word(run: Run, show: Any) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    now = 1_000.0
    async with show(run, feed=RunFeed(run, trainer=process, clock=lambda: now)) as shown:
        assert "starting the trainer   0 s" in shown.text
        now += 5
        await shown.sees("starting the trainer   5 s")
        assert "○ starting" in shown.lines[0]
    process.communicate()


async def test_stages_are_shown_with_their_progress(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.prepare("importing torch", 0.5)
    trainer.prepare("downloading train images", 2.0, 5_000_000, 10_000_000)
    now = trainer.began + trainer.time + 3.2
    async with show(live_run, feed=RunFeed(live_run, clock=lambda: now)) as shown:
        said = " ".join(shown.text.split())
        assert "✓ importing torch 2.0 s ▸ downloading train images 3 s" in said
        assert "50 %" in shown.text
        assert "5,000,000 of 10,000,000" in shown.text
        trainer.begin()
        trainer.train_epoch(steps=60)
        await shown.sees("● training")
        await shown.sees("−ELBO  nats/image")


@pytest.mark.parametrize("used", [True, False])
async def test_where_nobody_uses_it_a_screen_is_painted_half_as_often(
    trainer: Any, live_run: Run, show: Any, monkeypatch: pytest.MonkeyPatch, used: bool
) -> None:
    if not used:
        monkeypatch.setattr("vae_tui.tui.screens.training._SECONDS_OF_HASTE", 0.0)
    trainer.start()
    trainer.begin()
    trainer.train_epoch(steps=60)
    now = trainer.began + trainer.time
    async with show(live_run, feed=RunFeed(live_run, clock=lambda: now)) as shown:
        await shown.sees("epoch 1/50")
        trainer.train_epoch(steps=60)
        now += 1.2
        await asyncio.sleep(0.6)  # three looks at the log
        assert ("epoch 2/50" in shown.text) == used
        now += 1.2
        await shown.sees("epoch 2/50")


@pytest.mark.parametrize("size", SIZES)
async def test_figures_stand_under_their_names(trainer: Any, live_run: Run, show: Any, size: tuple[int, int]) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.train_epoch(steps=60)
    async with show(live_run, size) as shown:
        names, figures = shown.lines[-4], shown.lines[-3]
        shown_everywhere = [("memory", "889 MiB"), ("step", "180"), ("images/s", "21.")]
        where_there_is_room = [("beta", "1"), ("lr", "1e-3"), ("cpu", "96 %")] if size[0] > 80 else []
        for name, figure in (*shown_everywhere, *where_there_is_room):
            assert figures[names.index(name) :].startswith(figure)
        assert "epoch 2/50" in shown.lines[0]
        assert "eta " in shown.lines[0]


@pytest.mark.parametrize("size", [*SIZES, (60, 16), (100, 30), (99, 50), (250, 24), (30, 8)])
async def test_every_row_is_as_wide_as_the_terminal(
    trainer: Any, live_run: Run, show: Any, size: tuple[int, int]
) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run, size) as shown:
        assert len(shown.lines) == size[1]
        if size[1] > 16:
            assert "└┬" in shown.text, "a chart without its axis"
        assert {len(line) for line in shown.lines} == {size[0]}


async def test_a_run_goes_on_from_size_to_size(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run, (120, 40)) as shown:
        for width, height, panes in ((80, 24, 2), (200, 60, 5), (90, 60, 2), (120, 40, 5)):
            await shown.pilot.resize_terminal(width, height)
            await shown.until(lambda panes=panes: shown.text.count("╭─") == panes)
            assert shown.text.count("╭─") == panes


async def test_a_failure_says_why_and_where_the_last_good_checkpoint_is(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.finish("failed", "the loss is NaN")
    async with show(run) as shown:
        assert "✗ failed" in shown.lines[0]
        assert "the loss is NaN   at step 120" in shown.text
        assert "step-000000120.safetensors" in shown.unfolded


async def test_a_completed_run_says_so_and_stays(trainer: Any, run: Run, show: Any) -> None:
    trainer.start(epochs=2)
    trainer.begin()
    trainer.train_epoch()
    trainer.train_epoch()
    trainer.finish("completed")
    async with show(run) as shown:
        assert "✓ completed   epoch 2/2" in shown.lines[0]
        assert "2 epochs, 240 steps in 00:06" in shown.text
        assert "step-000000240.safetensors" in shown.unfolded
        assert "−ELBO  nats/image" in shown.text


async def test_a_stopped_run_says_how_to_go_on(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.finish("stopped", "by request")
    async with show(run) as shown:
        assert "■ stopped" in shown.lines[0]
        assert "go on with  vae-tui train --resume" in shown.text
        assert f"--resume{run.path}" in shown.unfolded, "it is folded before the path"


async def test_a_trainer_that_ends_without_a_word_leaves_its_log(run: Run, show: Any) -> None:
    run.worker_log_path.write_text("Traceback (most recent call last):\n\x1b[31mMemoryError\x1b[0m: out of it\n")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    async with show(run, feed=RunFeed(run, trainer=process)) as shown:
        assert "✗ failed" in shown.lines[0]
        assert "the trainer died before its end" in shown.text
        assert "MemoryError" in shown.text
        await shown.press("q")
    assert shown.app.return_value == "finished"


async def test_a_run_whose_folder_is_deleted_while_watched_says_that(trainer: Any, run: Run, show: Any) -> None:
    acquire_lock(run.path)
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(run) as shown:
        shutil.rmtree(run.path)
        await shown.until(lambda: "isnotthereanymore" in "".join(shown.unfolded.split()))  # wherever it is wrapped
        assert "isnotthereanymore" in "".join(shown.unfolded.split())
        assert "died" not in shown.text


async def test_a_trainer_killed_while_watched_is_noticed(trainer: Any, run: Run, show: Any) -> None:
    acquire_lock(run.path)
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(run) as shown:
        assert "● training" in shown.lines[0]
        release_lock(run.path)
        await shown.sees("✗ interrupted")
        await shown.sees("--resume ")


async def test_a_run_resumed_elsewhere_comes_back_to_life(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.finish("stopped", "asked to stop")
    async with show(run) as shown:
        assert "■ stopped" in shown.lines[0]
        acquire_lock(run.path)
        trainer.start(resumed_from=120)
        trainer.begin()
        trainer.train_epoch(steps=60)
        await shown.sees("● training   epoch 2/50")
    release_lock(run.path)


async def test_the_end_of_an_earlier_attempt_is_not_the_end_of_the_trainer_just_started(
    trainer: Any, run: Run, show: Any
) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    trainer.finish("stopped", "asked to stop")
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    async with show(run, feed=RunFeed(run, trainer=process)) as shown:
        assert "○ starting" in shown.lines[0]
        assert "starting the trainer" in shown.text
        assert "−ELBO  nats/image" in shown.text
    process.communicate()


async def test_a_picture_that_is_gone_is_named(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    for path in run.images_path.iterdir():
        path.unlink()
    async with show(run) as shown:
        assert "images/samples-000000120.png cannot be read" in shown.text


_DATA_NOTES = (
    "not used: 12 .heic (a.heic, b.heic, c.heic and 9 more), 3 .txt (one.txt, two.txt, three.txt)",
    "read: 60 .jpg, 20 .webp",
    "a broken image was left out: x.jpg",
    "the brightest value of the training images is 15 of 255: is this the range that was meant?",
)


@pytest.mark.parametrize(("size", "rows"), [((80, 24), 2), ((120, 40), 3), ((60, 16), 1)])
async def test_what_of_the_images_is_not_used_stays_in_plain_view(
    trainer: Any, live_run: Run, show: Any, size: tuple[int, int], rows: int
) -> None:
    trainer.start()
    trainer.begin(notes=("2 of 2 threads, by trial",), data_notes=_DATA_NOTES)
    trainer.train_epoch()
    async with show(live_run, size) as shown:
        lines = shown.lines[1 : 2 + rows]
        assert lines[0].startswith(" note: not used: 12 .heic (a.heic, b.heic, ")
        assert [line.startswith(" note: ") for line in lines] == [True] * rows + [False]
        assert "? all 4 notes" in lines[rows - 1]
        assert all(len(line.rstrip()) <= size[0] for line in lines)


async def test_names_of_files_that_are_not_used_are_written_out(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin(data_notes=("not used: 2 .txt (caf\udce9.txt, \x1b[31mred.txt)",))
    trainer.train_epoch()
    async with show(live_run) as shown:
        assert r"note: not used: 2 .txt (caf\xe9.txt, \x1b[31mred.txt)" in shown.lines[1]


async def test_a_run_with_nothing_to_say_of_its_images_has_no_line_for_it(
    trainer: Any, live_run: Run, show: Any
) -> None:
    trainer.start()
    trainer.begin(notes=("2 of 2 threads, by trial",))
    trainer.train_epoch()
    async with show(live_run) as shown:
        assert shown.lines[1].startswith("╭")


async def test_new_pictures_replace_the_old_ones(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run) as shown:
        assert "step 120 ─╯" in shown.text
        trainer.train_epoch()
        await shown.sees("step 240 ─╯")


async def test_what_did_not_change_is_not_drawn_again(
    trainer: Any, live_run: Run, show: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    render = RateBars.render
    monkeypatch.setattr(RateBars, "render", lambda self: drawn.append(1) or render(self))
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run) as shown:
        before = len(drawn)
        assert before
        for step in range(126, 160, 6):
            trainer.step = step
            trainer.say_step(6)
            await shown.sees(f" {step} ")
        assert len(drawn) == before


async def test_collapse_is_seen(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    trainer.rates = lambda: [0.001] * 20
    trainer.train_epoch()
    async with show(live_run) as shown:
        assert "active 0/20" in shown.text


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((80, 24), " 0 of 20 latent dimensions carry information  ? tells more"),
        ((120, 40), " 0 of 20 latent dimensions carry information; the decoder ignores z  ? tells more"),
    ],
)
async def test_a_note_outlasts_the_checkpoints_saved_after_it_and_stays_in_the_help(
    trainer: Any, live_run: Run, show: Any, size: tuple[int, int], told: str
) -> None:
    trainer.start()
    trainer.begin()
    trainer.write(
        ev.NoteAdded,
        note="posterior collapse: 0 of 20 latent dimensions carry information; the decoder ignores z; a lower beta, a "
        "longer warm-up or free bits help (rate 0.00 nats, the posterior variance stuck at 1 in all)",
    )
    noted = trainer.began + trainer.time
    trainer.train_epoch()
    now = noted + 10
    async with show(live_run, size, feed=RunFeed(live_run, clock=lambda: now)) as shown:
        assert shown.lines[-2].strip().endswith(told)
        assert "saved step" not in shown.lines[-2]
        now = noted + 30
        await shown.until(lambda: "tells more" not in shown.text)
        assert "0 of 20 latent dimensions" in shown.text
        await shown.press("question_mark", "end")
        assert "stuck at 1 in all" in " ".join(shown.text.replace("│", " ").split())


@pytest.mark.parametrize(("prior", "told"), [("normal", "z ~ N(0, I)"), ("vamp", "z ~ p(z)")])
async def test_samples_say_what_they_are_drawn_from(
    trainer: Any, live_run: Run, show: Any, prior: str, told: str
) -> None:
    recipe, _ = parse({"prior": {"name": prior}})
    trainer.write(ev.RunStarted, pid=1, version="0.1.0", recipe=recipe.resolved(), resumed_from=None)
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run) as shown:
        assert told in shown.text


async def test_dimensions_that_do_not_fit_are_counted(live_run: Run, show: Any, make_trainer: Any) -> None:
    trainer = make_trainer(live_run, latent_dim=200)
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run) as shown:
        rest = next(line for line in shown.lines if " more, " in line)
        bars = sum(re.match(r"│ z\d+ ", line[36:]) is not None for line in shown.lines)
        assert f"{200 - bars} more, " in rest


@pytest.mark.parametrize(("term", "colorterm", "expected"), [("xterm-256color", "", "▀"), ("vt100", "", "@")])
async def test_pictures_in_plainer_terminals(
    trainer: Any,
    live_run: Run,
    show: Any,
    monkeypatch: pytest.MonkeyPatch,
    term: str,
    colorterm: str,
    expected: str,
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLORTERM", colorterm)
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run) as shown:
        assert expected in shown.text


async def test_charts_and_their_legend_are_ascii_where_pictures_are(trainer: Any, live_run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    for _ in range(3):
        trainer.train_epoch()
    async with show(live_run) as shown:
        assert "━ train  ━ validation  ◆ best" in shown.text
        assert any("⠀" < character <= "⣿" for character in shown.text)
        await shown.press("i")
        assert shown.app.picture_mode == "ascii"
        assert "* train  o validation  @ best" in shown.text
        assert "* distortion  + rate" in shown.text
        assert not any("⠀" <= character <= "⣿" for character in shown.text)
        await shown.press("i")
        assert "━ train  ━ validation  ◆ best" in shown.text


async def test_a_log_of_a_hundred_thousand_events_loads_while_the_screen_stays_alive(
    trainer: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer.start(epochs=100_000)
    trainer.begin()
    said = ev.StepCompleted(
        time=-1.5, step=-7, epoch=1, steps=1, train=trainer.figures(), beta=1.0, lr=1e-3, images_per_second=2e4
    )
    line = ev.to_json(said)
    with run.events_path.open("a") as log:
        for step in range(1, 100_001):
            log.write(line.replace("-1.5", f"{trainer.began + step}").replace("-7", f"{step}") + "\n")

    keys_were_answered = threading.Event()
    catch_up = RunFeed.catch_up

    def read_and_wait(feed: RunFeed, *, thinned: bool, cancelled: Callable[[], bool]) -> None:
        catch_up(feed, thinned=thinned, cancelled=cancelled)
        assert keys_were_answered.wait(120)

    monkeypatch.setattr(RunFeed, "catch_up", read_and_wait)
    app = VaeTuiApp(TrainingScreen(RunFeed(run)))
    async with app.run_test(size=(120, 40)) as pilot:
        # Keys are answered and the screen is painted before the log was read to its end, and while it is read.
        await pilot.press("question_mark")
        assert app.screen.query(".panel")
        assert not app.screen_stack[1].query("Dashboard")
        await pilot.press("escape")
        keys_were_answered.set()
        await rest(app)
        await pilot.pause(0.2)
        strips = app.screen._compositor.render_strips()
        text = "\n".join("".join(segment.text for segment in strip) for strip in strips)
        assert "100,000" in text


async def test_a_loss_that_is_not_the_negative_elbo_stands_among_the_figures_as_its_curve_has_it(
    trainer: Any, run: Run, show: Any
) -> None:
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    run.events_path.write_text(run.events_path.read_text().replace('"loss": "",', '"loss": "distortion + 4 rate",'))
    feed = RunFeed(run)
    async with show(run, feed=feed) as shown:
        assert "best by loss" in shown.text
        names, figures = (line for line in shown.lines if "images/s" in line or "MiB" in line or "GiB" in line)
        assert names[names.index("loss") :].split()[:3] == ["loss", "best", "loss"]
        shown_loss = figures[names.index("loss") :].split()[0]
        assert shown_loss == f"{feed.history.now.validation['loss']:.2f}"


async def test_a_run_without_validation_shows_no_best(trainer: Any, run: Run, show: Any) -> None:
    trainer.start()
    trainer.begin()
    begun = run.events_path.read_text()
    run.events_path.write_text(re.sub(r'"validation": \d+', '"validation": 0', begun))
    async with show(run) as shown:
        await shown.sees("distortion")
        (names,) = [line for line in shown.lines if "images/s" in line]
        assert "best" not in names
        assert "validation" not in names


async def test_what_is_to_be_read_is_shown_whole(trainer: Any, live_run: Run, show: Any) -> None:
    said = "other programs keep 1.5 of 2 cores busy and take the memory that batches of this size are prepared in"
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run, (60, 24), feed=RunFeed(live_run, clock=lambda: trainer.began + trainer.time)) as shown:
        trainer.write(ev.NoteAdded, note=said)
        await shown.until(lambda: "prepared in" in shown.text)
        assert said in " ".join(" ".join(line.split()) for line in shown.lines[-4:])
        assert len(shown.lines) == 24


async def test_few_bars_stand_apart_where_there_is_room(make_trainer: Any, live_run: Run, show: Any) -> None:
    trainer = make_trainer(live_run, latent_dim=8)
    trainer.start()
    trainer.begin()
    trainer.train_epoch()
    async with show(live_run, (200, 60)) as shown:
        rows = [row for row, line in enumerate(shown.lines) if re.search(r"│ z\d ━*╸?─*  *\d\.\d\d │", line)]
        assert len(rows) == 8
        assert {below - above for above, below in itertools.pairwise(rows)} == {3}
