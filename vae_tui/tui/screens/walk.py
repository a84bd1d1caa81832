"""The walk: latent space by keyboard, one picture ahead of the next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import message, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from vae_tui.bookmarks import SLOTS, Bookmarks
from vae_tui.decoder import Decoder
from vae_tui.errors import CheckpointError, VaeTuiError
from vae_tui.exchange import Message as Answer
from vae_tui.runs.files import user_path
from vae_tui.runs.layout import Run
from vae_tui.runs.metadata import read_metadata
from vae_tui.tui.answers import check_plane, check_seed, check_value, read_number, read_plane, suggest_sources
from vae_tui.tui.export import check_export, free_name, write_picture
from vae_tui.tui.motion import FRAMES_PER_SECOND
from vae_tui.tui.screens.prompt import PromptScreen
from vae_tui.tui.screens.walk_help import WalkHelpScreen
from vae_tui.tui.walker import KINDS, LETTERS, Anchor, Walker
from vae_tui.tui.widgets.canvas import Canvas
from vae_tui.tui.widgets.keys import Keys
from vae_tui.tui.widgets.sliders import Sliders
from vae_tui.tui.widgets.stage import VIEWS, Stage
from vae_tui.tui.widgets.status_line import StatusLine as Message
from vae_tui.tui.wording import join_whole
from vae_tui.walk import Walk, write_walk

_STEP, _BIG_STEP = 0.1, 1.0


class WalkScreen(Screen[None]):
    """Walks through the latent space of a checkpoint; with `follow`, of a run's newest one, whenever there is another.

    The decoder is a process of its own; until it is there, everything but the pictures answers.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "arrow(0, 1)", "Dimension above"),
        Binding("down", "arrow(0, -1)", "Dimension below"),
        Binding("left", "arrow(-1, 0)", "Step down"),
        Binding("right", "arrow(1, 0)", "Step up"),
        Binding("shift+left", "big_arrow(-1, 0)", "Big step down"),
        Binding("shift+right", "big_arrow(1, 0)", "Big step up"),
        Binding("shift+up", "big_arrow(0, 1)", "Ten dimensions up"),
        Binding("shift+down", "big_arrow(0, -1)", "Ten dimensions down"),
        Binding("k", "choose(-1)", "Dimension above"),
        Binding("j", "choose(1)", "Dimension below"),
        Binding("h", "step(-0.1)", "Step down"),
        Binding("l", "step(0.1)", "Step up"),
        Binding("H", "step(-1.0)", "Big step down"),
        Binding("L", "step(1.0)", "Big step up"),
        Binding("enter,equals_sign", "type_value", "Type a value"),
        Binding("o", "reset", "Reset the dimension"),
        Binding("O", "reset_all", "Reset all dimensions"),
        Binding("r", "random", "Random place"),
        Binding("R", "type_seed", "Type a seed"),
        Binding("t", "warm(-0.1)", "Cooler"),
        Binding("T", "warm(0.1)", "Warmer"),
        Binding("p", "snap", "Snap to the posterior mean"),
        Binding("u", "undo", "Undo"),
        Binding("U,ctrl+r", "redo", "Redo"),
        *(Binding(str(number + 1), f"view('{view}')", f"View: {view}") for number, view in enumerate(VIEWS)),
        *(Binding(str(slot), f"slot({slot})", show=False) for slot in SLOTS if not 1 <= slot <= len(VIEWS)),
        Binding("tab", "vary", "Vary the view"),
        Binding("d", "type_plane", "Choose the plane"),
        Binding("plus", "zoom(0.8)", "Zoom in"),
        Binding("minus", "zoom(1.25)", "Zoom out"),
        Binding("a", "add_anchor", "Add an anchor"),
        Binding("A", "add_here", "Anchor here"),
        Binding("backspace", "drop_anchor", "Remove the last anchor"),
        Binding("g", "go_to_anchor", "Go to the next anchor"),
        Binding("c", "calculate", "Calculate with places"),
        Binding("space", "toggle_play", "Play or stop"),
        Binding("n", "next_kind", "What to play"),
        Binding("less_than_sign,comma", "hurry(-1)", "Slower, then backwards"),
        Binding("greater_than_sign,full_stop", "hurry(1)", "Faster"),
        Binding("e", "toggle_end", "Bounce or loop"),
        Binding("s", "toggle_method", "lerp or slerp"),
        Binding("f", "toggle_at", "Means or one epsilon"),
        Binding("m", "mark", "Keep a bookmark"),
        Binding("b", "return_to_mark", "Go to a bookmark"),
        Binding("v", "toggle_recording", "Record"),
        Binding("x", "export", "Export"),
        Binding("question_mark,f1", "help", "Help"),
        Binding("q,ctrl+c", "leave", "Leave"),
        Binding("w,escape", "return", "Back to the training", show=False),
    ]

    class Answered(message.Message):
        """The decoder process said something."""

        def __init__(self, answer: Answer) -> None:
            super().__init__()
            self.answer = answer

    def __init__(
        self, checkpoint: Path, *, follow: Run | None = None, data_root: Path | None = None, note: str = ""
    ) -> None:
        """Raises CheckpointError for a file that holds no VAE."""
        super().__init__()
        self._checkpoint, self._follow, self._data_root = checkpoint, follow, data_root
        metadata = read_metadata(checkpoint)
        try:
            latent_dim = int(metadata["recipe"]["model"]["latent_dim"])
        except (KeyError, TypeError, ValueError):
            raise CheckpointError(f"{checkpoint} holds no VAE: expected a step-*.safetensors of a run") from None
        self._walker = Walker(latent_dim)
        rates = metadata.get("rate_per_dimension", [])
        self._walker.enter(latent_dim, rates if len(rates) == latent_dim else [0.0] * latent_dim)
        self._walker.chosen = self._walker.order[0]
        self._walker.rates = rates
        self._decoder: Decoder | None = None
        self._opened: Mapping[str, Any] | None = None
        self._early: list[tuple[str, dict[str, Any], dict[str, NDArray[Any]]]] = []
        """Requests made before the checkpoint was open."""
        self._image: NDArray[np.uint8] | None = None
        self._shown: NDArray[np.float32] | None = None
        self._hint, self._hint_style, self._note = "", "$faint", note
        self._busy: dict[str, str] = {}
        """What takes long, by purpose, in words."""
        self._slot_action: str | None = None
        self._finds = 0
        self._next_anchor = 0
        self._frame_at = time.monotonic()
        self._began = time.monotonic()

    # What is seen

    def compose(self) -> ComposeResult:
        """A header, the stage beside sliders, and three lines."""
        yield Message(id="title")
        with Horizontal(id="walk"):
            yield Stage(self._walker, self._ask)
            with Vertical(id="side"):
                yield Canvas(id="preview")
                yield Sliders(id="sliders")
        yield Message(id="anchors")
        yield Message(id="said")
        yield Keys()

    def on_mount(self) -> None:
        """Start the decoder, and look for newer checkpoints."""
        self.query_one(Stage).show_view("image")
        self.query_one("#preview").border_title = "here"
        self._show()
        self.set_interval(1 / FRAMES_PER_SECOND, self._tick)
        self.set_interval(1.0, self._look_for_newer)

    def on_unmount(self) -> None:
        """End the decoder with the screen."""
        if self._decoder is not None:
            self._decoder.close()

    def on_resize(self) -> None:
        """Fold where the screen is narrow."""
        self._fold()
        self._show_lines()

    def _fold(self) -> None:
        view, narrow = self.query_one(Stage).view, self.size.width < 100
        self.set_class(view != "image", "aside")
        self.set_class(narrow and view in ("table", "map"), "alone")
        self.query_one("#preview").display = view != "image"

    def _show(self) -> None:
        """Bring everything but the pictures up to date, and ask for these."""
        if self._decoder is None:
            self._start_decoder()
        walker = self._walker
        self.query_one(Sliders).show(walker.z, walker.order, walker.rates, walker.spans, walker.chosen)
        if self._opened is not None:
            self.query_one(Stage).refresh_view()
            if self._shown is None or not np.array_equal(self._shown, walker.z):
                self._shown = walker.z
                self._ask("decode", {"purpose": "image"}, {"points": walker.z[None]})
        self._show_lines()

    def _show_lines(self) -> None:
        walker, opened = self._walker, self._opened
        name = (
            self._checkpoint.parent.name
            if (self._checkpoint.parent / "recipe.toml").exists()
            else self._checkpoint.name
        )
        said = [name]
        if opened is not None:
            said += [f"step {opened['step']:,}" if opened["step"] is not None else "", str(opened["network"])]
        drawn = walker.position.place.seed
        state = ["" if drawn is None else f"seed {drawn}", f"T {walker.temperature:.1f}"]
        if walker.position.undo_count or walker.position.redo_count:
            state.append(f"undo {walker.position.undo_count}/{walker.position.redo_count}")
        if walker.recording and walker.recorded is not None:
            state.append(f"● rec {len(walker.recorded)}")
        width = max(1, self.size.width - 2)
        right = "   ".join(part for part in state if part)
        left = " · ".join(part for part in said if part)
        left = left if len(left) <= width - len(right) - 2 else left[: max(0, width - len(right) - 3)] + "…"
        self.query_one("#title", Message).show(left + " " * max(1, width - len(left) - len(right)) + right, "$primary")
        text, style = self._say()
        # What does not fit into its line begins in the one above.
        first, *rest = wrap(text, width, max_lines=2, placeholder="…", break_on_hyphens=False) or [""]
        self.query_one("#anchors", Message).show(
            *((first, style) if rest else (self._say_motion(), "$foreground")),
        )
        self.query_one("#said", Message).show(rest[0] if rest else first, style)
        self.query_one(Keys).show(self._keys())

    def _say_motion(self) -> str:
        walker = self._walker
        sign = "▶ playing" if walker.playing else "■"
        motion = f"{sign} {walker.kind}  {walker.speed:+g}/s  {walker.end}"
        if walker.kind == "anchors":
            motion += f"  {walker.method}  {'means' if walker.at == 'mean' else 'one epsilon'}"
        anchors = "   ".join(f"{LETTERS[index]} {anchor.caption}" for index, anchor in enumerate(walker.anchors))
        return f"{motion}   {anchors or 'no anchors'}"

    def _say(self) -> tuple[str, str]:
        if self._slot_action is not None:
            return f"{self._slot_action}: which bookmark, 0 to 9?   {self._say_taken()}", "$warning"
        if self._hint:
            return self._hint, self._hint_style
        if self._opened is None and self._decoder is not None:
            waited = time.monotonic() - self._began
            return f"{self._busy.get('open', 'starting the decoder')}   {waited:.0f} s", "$primary"
        if self._note:
            return self._note, "$faint"
        for doing in self._busy.values():
            return doing, "$primary"
        values = [f"z{d} {self._walker.z[d]:+.2f}" for d in self._walker.order[:8]]
        return f"at {join_whole(values, '  ', self.size.width - 5)}", "$faint"

    def _say_taken(self) -> str:
        try:
            taken = sorted(Bookmarks(self._checkpoint).read())
        except VaeTuiError as error:
            return str(error)
        return f"taken: {' '.join(map(str, taken))}" if taken else "none is taken"

    def _keys(self) -> tuple[tuple[str, str], ...]:
        stage = self.query_one(Stage)
        arrows = (("←→↑↓", "cursor"), ("+ -", "zoom")) if stage.has_cursor else (("↑↓", "dimension"), ("←→", "step"))
        vary = {"scatter": "projection", "strip": "range", "table": "range"}.get(stage.view)
        return (
            *arrows,
            ("1-6", "view"),
            *((("tab", vary),) if vary else ()),
            ("?", "all keys"),
            ("q", "leave"),
            ("r", "random"),
            ("space", "stop" if self._walker.playing else "play"),
            ("a", "anchor"),
            ("x", "export"),
            ("u", "undo"),
            ("m b", "bookmarks"),
            ("v", "record"),
            ("i", "pictures"),
        )

    def _hint_for(self, text: str, style: str = "$warning") -> None:
        self._hint, self._hint_style = text, style
        self._show_lines()
        self.set_timer(6, lambda: self._forget_hint(text))

    def _forget_hint(self, text: str) -> None:
        if self._hint == text:
            self._hint = ""
            self._show_lines()

    # The decoder

    def _start_decoder(self) -> None:
        self._opened, self._began = None, time.monotonic()
        self._decoder = Decoder(lambda answer: self.post_message(self.Answered(answer)), data_root=self._data_root)
        self._decoder.ask("open", {"purpose": "open", "checkpoint": str(self._checkpoint.absolute())})

    def _ask(self, kind: str, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        if self._opened is None:
            self._early.append((kind, dict(facts), dict(arrays)))
        elif self._decoder is not None:
            self._decoder.ask(kind, facts, arrays)

    def on_walk_screen_answered(self, event: Answered) -> None:
        """Take an answer to where it belongs."""
        answer = event.answer
        purpose = str(answer.facts.get("purpose"))
        if answer.kind == "progressed":
            total = answer.facts["total"]
            share = f" {answer.facts['done'] / total:.0%}" if total else ""
            self._busy[purpose] = f"{answer.facts['stage']}{share}"
            if purpose == "view":
                self.query_one(Stage).show_progress(self._busy[purpose])
            self._show_lines()
            return
        self._busy.pop(purpose, None)
        take = getattr(self, f"_take_{answer.kind}", None)
        if purpose == "view" and answer.kind != "failed":
            self.query_one(Stage).show_answer(answer)
        elif take is not None:
            take(answer)
        self._show_lines()

    def _take_opened(self, answer: Answer) -> None:
        facts = answer.facts
        first, self._opened = self._opened is None, facts
        untouched = not self._walker.rates and self._walker.chosen == self._walker.order[0]
        self._walker.enter(facts["latent_dim"], facts["rates"])
        if untouched:
            self._walker.chosen = self._walker.order[0]
        self._checkpoint = Path(facts["checkpoint"])
        drawn = answer.arrays
        self._walker.learn_prior((drawn["middles"], drawn["noises"]) if "middles" in drawn else None)
        self._shown = None
        stage = self.query_one(Stage)
        stage.forget()
        self.query_one(Sliders).border_title = "latents by KL" + ("" if facts["rates_are_measured"] else ", estimated")
        if first and self._walker.epsilon is None:
            self._ask("draw", {"purpose": "epsilon", "seed": self._walker.seed}, {})
        early, self._early = self._early, []
        for kind, asked, arrays in early:
            self._ask(kind, asked, arrays)
        self._show()

    def _take_decoded(self, answer: Answer) -> None:
        self._image = answer.arrays["images"][0]
        self.query_one(Stage).show_image(self._image)
        self.query_one("#preview", Canvas).show(answer.arrays["images"][:, None])

    def _take_drawn(self, answer: Answer) -> None:
        if answer.facts["seed"] == self._walker.seed:
            self._walker.epsilon = answer.arrays["epsilon"]
            self._walker.drawn = answer.arrays["middle"], answer.arrays["noise"]
            if answer.facts["purpose"] == "draw":
                self._walker.draw()
                self._moved()

    def _take_snapped(self, answer: Answer) -> None:
        self._walker.position.go(answer.arrays["points"][0])
        self._moved()

    def _take_found(self, answer: Answer) -> None:
        self._add(Anchor(answer.facts["caption"], answer.arrays["mean"], answer.arrays["log_variance"]))

    def _take_calculated(self, answer: Answer) -> None:
        self._walker.position.go(answer.arrays["points"][0])
        self._moved()
        self._hint_for(f"here: {answer.facts['text']}", "$success")

    def _take_recorded(self, answer: Answer) -> None:
        self._hint_for(f"wrote {answer.facts['out']}", "$success")

    def _take_failed(self, answer: Answer) -> None:
        text = str(answer.facts["message"])
        if answer.facts.get("purpose") == "open" and self._opened is not None and self._follow is not None:
            # Pruned before it was open: the place is kept, and a newer one comes.
            return
        if answer.facts.get("purpose") == "view":
            self.query_one(Stage).show_problem(text)
        self._hint_for(text, "$error")
        if answer.facts.get("purpose") == "open" and self._opened is None:
            self._open_another_or_leave(text)

    def _open_another_or_leave(self, problem: str) -> None:
        """A checkpoint of a live run may be pruned before it is open; then there is a newer one."""
        found = self._follow.checkpoints() if self._follow is not None else []
        if found and found[-1].path.absolute() != self._checkpoint.absolute() and self._decoder is not None:
            self._checkpoint = found[-1].path
            self._decoder.ask("open", {"purpose": "open", "checkpoint": str(self._checkpoint.absolute())})
        elif self._came_from_training:
            self.app.notify(problem, severity="error")
            self.dismiss(None)
        else:
            self.app.exit(message=problem, return_code=2)

    def _take_died(self, answer: Answer) -> None:
        if self._decoder is not None:
            self._decoder.close()
        self._decoder, self._opened, self._shown = None, None, None
        self._hint_for(f"the decoder died: {answer.facts['message']}; the next key starts another", "$error")

    def _look_for_newer(self) -> None:
        if self._opened is None:
            self._show_lines()
            self.query_one(Stage).say_starting(self._busy.get("open", "starting the decoder"))
        if self._follow is None or self._opened is None or "open" in self._busy:
            return
        found = self._follow.checkpoints()
        if found and found[-1].path.absolute() != self._checkpoint.absolute() and self._decoder is not None:
            self._busy["open"] = f"opening {found[-1].path.name}"
            self._decoder.ask("open", {"purpose": "open", "checkpoint": str(found[-1].path.absolute())})

    def _tick(self) -> None:
        now = time.monotonic()
        passed, self._frame_at = min(now - self._frame_at, 0.5), now
        if self._walker.playing:
            self._walker.advance(passed)
            self._walker.record()
            self._show()

    # Keys: place

    def _moved(self) -> None:
        self._walker.record()
        self._hint = self._note = ""
        self._show()

    def action_arrow(self, right: int, up: int) -> None:
        """Move the cursor in a plane; elsewhere choose a dimension or step along it."""
        self._arrow(right, up, big=False)

    def action_big_arrow(self, right: int, up: int) -> None:
        """The same by a big step."""
        self._arrow(right, up, big=True)

    def _arrow(self, right: int, up: int, *, big: bool) -> None:
        stage = self.query_one(Stage)
        if stage.has_cursor:
            self._walker.stop()
            stage.move_cursor(right, up, big=big)
            self._moved()
        elif up:
            self.action_choose(-up * (10 if big else 1))
        else:
            self.action_step(right * (_BIG_STEP if big else _STEP))

    def action_choose(self, rows: int) -> None:
        """Choose a dimension."""
        self._walker.choose(rows)
        self._show()

    def action_step(self, by: float) -> None:
        """Step along the chosen dimension."""
        self._walker.stop()
        self._walker.step(by)
        self._moved()

    def _go(self, z: NDArray[np.float32]) -> None:
        self._walker.stop()
        self._walker.position.go(z)
        self._moved()

    def action_reset(self) -> None:
        """Bring the chosen dimension to 0."""
        z = self._walker.z.copy()
        z[self._walker.chosen] = 0
        self._go(z)

    def action_reset_all(self) -> None:
        """Go to the origin, and see all of a plane again."""
        self.query_one(Stage).go_home()
        self._go(np.zeros_like(self._walker.z))

    def action_random(self) -> None:
        """Draw with the next seed."""
        self._draw(
            self._walker.seed + 1 if self._walker.position.undo_count or self._walker.z.any() else self._walker.seed
        )

    def _draw(self, seed: int) -> None:
        self._walker.stop()
        self._walker.seed = seed
        self._ask("draw", {"purpose": "draw", "seed": seed}, {})
        self._show_lines()

    def action_warm(self, by: float) -> None:
        """Change the temperature."""
        self._walker.warm(by)
        self._moved()

    def action_snap(self) -> None:
        """Go to where the encoder puts the picture that is seen."""
        self._walker.stop()
        self._ask("snap", {"purpose": "snap"}, {"points": self._walker.z[None]})

    def action_undo(self) -> None:
        """Go back a step."""
        self._walker.stop()
        if self._walker.position.undo():
            self._moved()
        else:
            self._hint_for("there is nothing to undo")

    def action_redo(self) -> None:
        """Go forward again."""
        self._walker.stop()
        if self._walker.position.redo():
            self._moved()
        else:
            self._hint_for("there is nothing to redo")

    @work
    async def action_type_value(self) -> None:
        """Type the chosen dimension's value."""
        chosen = self._walker.chosen
        span = self._walker.spans[chosen]
        meaning = f"a number; draws of the prior lie between −{span:g} and {span:g}"
        text = await self.app.push_screen_wait(
            PromptScreen(f"z{chosen}", meaning, value=f"{self._walker.z[chosen]:g}", check=check_value)
        )
        if (value := read_number(text or "")) is not None:
            z = self._walker.z.copy()
            z[chosen] = value
            self._go(z)

    @work
    async def action_type_seed(self) -> None:
        """Type a seed."""
        text = await self.app.push_screen_wait(
            PromptScreen(
                "seed",
                "a whole number; the place is that of vae-tui sample --count 1 --seed N",
                value=str(self._walker.seed),
                check=check_seed,
            )
        )
        if text:
            self._draw(int(text))

    # Keys: views

    def action_view(self, view: str) -> None:
        """Change the view; while a bookmark is asked for, a digit is one."""
        known = next(known for known in VIEWS if known == view)
        if self._slot_action is not None:
            self.action_slot(1 + VIEWS.index(known))
            return
        stage = self.query_one(Stage)
        stage.show_view(known)
        self._fold()
        if self._image is not None:
            stage.show_image(self._image)
        self._show()

    def action_vary(self) -> None:
        """Change how the view looks at its subject."""
        self._hint_for(self.query_one(Stage).vary(), "$faint")
        self._show()

    def action_zoom(self, factor: float) -> None:
        """Zoom a plane."""
        self.query_one(Stage).zoom(factor)
        self._show()

    @work
    async def action_type_plane(self) -> None:
        """Type the two dimensions of the map and the scatter."""
        count = len(self._walker.z)
        meaning = f"two dimensions of 0 to {count - 1}, the horizontal one first, as in: 0 3"
        text = await self.app.push_screen_wait(
            PromptScreen("plane", meaning, check=lambda text: check_plane(text, count))
        )
        if text:
            first, second = read_plane(text)
            self.query_one(Stage).set_plane(first, second)
            self._show()

    # Keys: anchors and motion

    def _add(self, anchor: Anchor) -> None:
        if len(self._walker.anchors) >= len(LETTERS):
            self._hint_for(f"there are {len(LETTERS)} anchors already; backspace removes the last")
            return
        self._walker.anchors.append(anchor)
        if not self._walker.playing:
            self._next_anchor = 0
            self._walker.position.go(self._walker.stops()[-1])
        self._moved()

    @work
    async def action_add_anchor(self) -> None:
        """Pick an image by typing."""
        text = await self.app.push_screen_wait(
            PromptScreen(
                "add an anchor",
                "12 (test image) · train:12 · class:4 · class:4:3 (its fourth) · mean:4 · a picture file",
                suggest=self._suggest_sources,
            )
        )
        if text:
            self._finds += 1
            self._ask("find", {"purpose": f"find {self._finds}", "text": text}, {})

    def _suggest_sources(self, text: str) -> Sequence[tuple[str, str]]:
        return suggest_sources(text, list(self._opened["class_names"]) if self._opened is not None else [])

    def action_add_here(self) -> None:
        """Take the present place as an anchor."""
        z = self._walker.z
        self._add(Anchor(f"here {len(self._walker.anchors) + 1}", z, np.full_like(z, -np.inf)))

    def action_drop_anchor(self) -> None:
        """Remove the last anchor."""
        if self._walker.anchors:
            self._walker.stop()
            self._walker.anchors.pop()
            self._show()

    def action_go_to_anchor(self) -> None:
        """Go to one anchor after the other."""
        stops = self._walker.stops()
        if not stops:
            self._hint_for("there is no anchor yet: a adds an image, A where you stand")
            return
        self._next_anchor %= len(stops)
        self._go(stops[self._next_anchor])
        self._hint_for(f"at {LETTERS[self._next_anchor]}", "$faint")
        self._next_anchor += 1

    @work
    async def action_calculate(self) -> None:
        """Type a sum of places."""
        text = await self.app.push_screen_wait(
            PromptScreen(
                "calculate", "A − B + C as: A - B + C; terms are anchors, z, class names (their means), 0.5 * A, 12"
            )
        )
        if text:
            stops = {LETTERS[index]: stop for index, stop in enumerate(self._walker.stops())} | {"z": self._walker.z}
            facts = {"purpose": "calculate", "text": text, "names": list(stops)}
            self._ask("calculate", facts, {"points": np.stack(list(stops.values()))})

    def action_toggle_play(self) -> None:
        """Go by itself, or stand still."""
        if self._walker.playing:
            self._walker.stop()
        elif problem := self._walker.play():
            self._hint_for(problem)
        self._show()

    def action_next_kind(self) -> None:
        """Play through anchors, along the dimension, or at random."""
        playing = self._walker.playing
        self._walker.stop()
        self._walker.kind = KINDS[(KINDS.index(self._walker.kind) + 1) % len(KINDS)]
        if playing:
            self.action_toggle_play()
        self._show()

    def action_hurry(self, steps: int) -> None:
        """Change the signed speed."""
        self._walker.hurry(steps)
        self._show_lines()

    def action_toggle_end(self) -> None:
        """Bounce at the end, or begin again."""
        self._walker.end = "loop" if self._walker.end == "bounce" else "bounce"
        self._show_lines()

    def action_toggle_method(self) -> None:
        """Straight lines or arcs between anchors."""
        self._walker.method = "lerp" if self._walker.method == "slerp" else "slerp"
        self._walker.replan()
        self._show()

    def action_toggle_at(self) -> None:
        """Anchors at their means, or drawn with one epsilon."""
        self._walker.at = "draw" if self._walker.at == "mean" else "mean"
        self._walker.replan()
        self._show()

    # Keys: keeping

    def action_mark(self) -> None:
        """Keep this place in a bookmark."""
        self._slot_action = "keep this place"
        self._show_lines()

    def action_return_to_mark(self) -> None:
        """Go to a bookmark."""
        self._slot_action = "go back to a place"
        self._show_lines()

    def on_key(self, event: Any) -> None:
        """Take no other key for the digit that a bookmark key waits for."""
        # Digits are bindings, for these come one after the other, however quickly they were typed.
        if self._slot_action is not None and event.character not in [str(slot) for slot in SLOTS]:
            self._slot_action = None
            event.stop()
            event.prevent_default()
            self._show_lines()

    def action_slot(self, slot: int) -> None:
        """Take the digit that a bookmark key waits for."""
        if self._slot_action is not None:
            keep, self._slot_action = self._slot_action == "keep this place", None
            self._use_bookmark(slot, keep=keep)
            self._show_lines()

    def _use_bookmark(self, slot: int, *, keep: bool) -> None:
        bookmarks = Bookmarks(self._checkpoint)
        try:
            if keep:
                bookmarks.keep(slot, self._walker.z)
                self._hint_for(f"kept as {slot} in {bookmarks.path}", "$success")
                return
            kept = bookmarks.read().get(slot)
        except VaeTuiError as error:
            self._hint_for(str(error), "$error")
            return
        if kept is None:
            self._hint_for(f"bookmark {slot} is empty: m {slot} keeps a place there")
        elif len(kept) != len(self._walker.z):
            self._hint_for(f"bookmark {slot} has {len(kept)} dimensions, this model has {len(self._walker.z)}")
        else:
            self._go(kept)

    def action_toggle_recording(self) -> None:
        """Begin to take down every place, or end it."""
        walker = self._walker
        if walker.recording:
            walker.recording = False
            count = len(walker.recorded or ())
            self._hint_for(
                f"recorded {count} frames, {count / FRAMES_PER_SECOND:.1f} s: x exports them as .gif or .toml"
            )
        else:
            walker.recording, walker.recorded = True, [walker.z]
        self._show_lines()

    @work
    async def action_export(self) -> None:
        """Write what is seen, or what was recorded, to a file."""
        what = "the recording" if self._walker.recorded else "the way through the anchors"
        text = await self.app.push_screen_wait(
            PromptScreen(
                "export",
                f".png: this view   .gif: {what}   .toml: the same as a path",
                value=free_name("walk", ".gif" if self._walker.recorded else ".png"),
            )
        )
        if text:
            try:
                self._export(user_path(text))
            except VaeTuiError as error:
                self._hint_for(str(error), "$error")

    def _export(self, out: Path) -> None:
        check_export(out)
        if out.suffix.lower() == ".png":
            pictures = self.query_one(Stage).pictures()
            if pictures is None:
                raise VaeTuiError("there is no picture yet")
            write_picture(out, *pictures, self._checkpoint)
            self._hint_for(f"wrote {out}", "$success")
            return
        points = self._walker.path()
        if points is None:
            raise VaeTuiError("there is nothing to export that moves: record with v, or add two anchors with a")
        if out.suffix.lower() == ".toml":
            write_walk(out, Walk(points, float(FRAMES_PER_SECOND), str(self._checkpoint)))
            self._hint_for(f"wrote {out}; replay it with: vae-tui sample --path {out} --out walk.gif", "$success")
        else:
            facts = {"purpose": f"record {out}", "out": str(out.absolute()), "frames_per_second": FRAMES_PER_SECOND}
            self._ask("record", facts, {"points": points})

    # Mouse, help, leaving

    def on_sliders_pulled(self, event: Sliders.Pulled) -> None:
        """A slider was clicked."""
        self._walker.chosen = event.dimension
        if event.value is not None:
            z = self._walker.z.copy()
            z[event.dimension] = round(event.value, 2)
            self._go(z)
        self._show()

    def on_sliders_scrolled(self, event: Sliders.Scrolled) -> None:
        """The wheel was turned over the sliders."""
        self.action_choose(event.rows)

    def on_stage_chosen(self, event: Stage.Chosen) -> None:
        """A picture or a place was clicked."""
        self._go(event.z)

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(WalkHelpScreen())

    def action_leave(self) -> None:
        """Go back to where one came from."""
        if self._came_from_training:
            self.dismiss(None)
        else:
            self.app.exit()

    def action_return(self) -> None:
        """Go back to the training; a walk of its own is not left by a key that closes prompts."""
        if self._came_from_training:
            self.dismiss(None)
        else:
            self._hint_for("q leaves the walk", "$faint")

    @property
    def _came_from_training(self) -> bool:
        return len(self.app.screen_stack) > 2
