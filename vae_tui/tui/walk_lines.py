"""The lines above and below a walk, as texts."""

from __future__ import annotations

from collections.abc import Iterator

from vae_tui.runs.layout import Run, run_folder
from vae_tui.text import printable
from vae_tui.walk.messages import OpenCheckpoint, Request
from vae_tui.walk.session import WalkSession
from vae_tui.walk.walk import Level, Walk
from vae_tui.wording import format_nats, join_whole

Styled = tuple[str, str]
"""A text and its style."""
_STYLES: dict[Level, str] = {"plain": "$faint", "success": "$success", "warning": "$warning", "error": "$error"}


def title_line(session: WalkSession, width: int) -> str:
    """What is walked in, and at its right end the state of the walk."""
    walk, checkpoint = session.walk, session.walk.checkpoint
    run = Run(run_folder(checkpoint))
    name = run.name if run.holds_something else checkpoint.name
    parts = [printable(name)]
    if walk.opened is not None:
        parts += [*_weights_parts(walk), printable(walk.opened.network)]
    seed = walk.position.place.seed
    given = f"class {printable(walk.class_name)}" if walk.class_name else ""
    state = [given, "" if seed is None else f"seed {seed}", f"T {walk.draws.temperature:.1f}"]
    if walk.position.undo_count or walk.position.redo_count:
        state.append(f"undo {walk.position.undo_count}/{walk.position.redo_count}")
    if walk.recording.active:
        state.append(f"● rec {len(walk.recording.frames)}")
    right = "   ".join(part for part in state if part)
    left = " · ".join(part for part in parts if part)
    left = left if len(left) <= width - len(right) - 2 else left[: max(0, width - len(right) - 3)] + "…"
    return left + " " * max(1, width - len(left) - len(right)) + right


def _weights_parts(walk: Walk) -> Iterator[str]:
    """Which weights of its run those are that are walked in."""
    opened, chosen = walk.opened, walk.time.chosen
    if opened is None:
        return
    if opened.step is not None:
        at = f" ({walk.time.number} of {walk.time.count})" if chosen is not None and chosen.step == opened.step else ""
        yield f"step {opened.step:,}{at}"
    if opened.epochs is not None:
        yield f"epoch {round(opened.epochs, 2):g}"
    if opened.negative_elbo is not None:
        yield f"-ELBO {format_nats(opened.negative_elbo)}"


def motion_line(session: WalkSession) -> str:
    """What plays, and the anchors."""
    motion, anchors = session.walk.motion, session.walk.anchors
    text = f"{'▶ playing' if motion.playing else '■'} {motion.kind}  {motion.speed:+g}/s  {motion.end}"
    if motion.kind == "anchors":
        text += f"  {motion.method}  {'means' if anchors.at == 'mean' else 'one epsilon'}"
    return f"{text}   {'   '.join(anchors.captions) or 'no anchors'}"


def status_line(session: WalkSession, width: int) -> Styled:
    """What the user should know now; where there is nothing, where one is."""
    walk, link = session.walk, session.walk.link
    if walk.notice is not None:
        return walk.notice.text, _STYLES[walk.notice.level]
    if walk.opened is None and link.is_running:
        return f"{starting_text(session)}   {link.waited_seconds:.0f} s", "$primary"
    if walk.note:
        return walk.note, "$faint"
    if progress := link.progress_of(Request):
        return progress, "$primary"
    axes = walk.dimensions.axes
    values = [f"{axes.name(axis)} {axes.value(walk.z, axis):+.2f}" for axis in walk.dimensions.rows[:8]]
    return f"at {join_whole(values, '  ', width - 3)}", "$faint"


def starting_text(session: WalkSession) -> str:
    """What the first picture waits for."""
    return session.walk.link.progress_of(OpenCheckpoint) or "starting the decoder"
