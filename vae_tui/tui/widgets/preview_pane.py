"""The run under the cursor beside a list of runs, read and imported in threads."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from textual import message, work
from textual.containers import Container
from textual.timer import Timer
from textual.worker import get_current_worker

from vae_tui.errors import VaeTuiError
from vae_tui.runs.feed import RunFeed
from vae_tui.runs.layout import Run
from vae_tui.runs.summary import Summary

if TYPE_CHECKING:
    from vae_tui.tui.widgets.preview import Preview

_SECONDS_AT_REST = 0.12
"""For so long the cursor rests on a run before its log is read."""


class PreviewPane(Container):
    """Shows a run once the cursor rests on it, and follows it while it is trained."""

    class Imported(message.Message):
        """What a preview is drawn with is there."""

    class Read(message.Message):
        """The log of a run was read."""

        def __init__(self, feed: RunFeed) -> None:
            super().__init__()
            self.feed = feed

    def __init__(self) -> None:
        super().__init__()
        self._run: Summary | None = None
        self._feed: RunFeed | None = None
        self._preview: Preview | None = None
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """Paint first, then import."""
        self.call_after_refresh(self._import)

    @work(thread=True)
    def _import(self) -> None:
        # numpy, Pillow and plotext would hold up the first paint.
        import vae_tui.tui.widgets.preview  # noqa: F401, PLC0415

        self.post_message(self.Imported())

    async def on_preview_pane_imported(self) -> None:
        """Put up the preview."""
        from vae_tui.tui.widgets.preview import Preview  # noqa: PLC0415

        self._preview = Preview()
        await self.mount(self._preview)
        self.look_at(self._run)

    def look_at(self, run: Summary | None) -> None:
        """Show a run, or what came to it since; nothing for None."""
        other = run is None or self._feed is None or self._feed.run.path != run.path
        self._run = run
        if self._timer is not None:
            self._timer.stop()
        if other:
            self._timer = self.set_timer(_SECONDS_AT_REST, self._begin)
        elif run is not None and (run.live or (self._feed is not None and self._feed.status.live)):
            self._begin()

    def _begin(self) -> None:
        if self._preview is None or not self.display:
            return
        if self._run is None:
            self._feed = None
            self._preview.clear()
        elif self._feed is None or self._feed.run.path != self._run.path:
            self._read(RunFeed(Run(self._run.path)))
        else:
            # Not in a thread: what is drawn must not change below who draws it.
            with contextlib.suppress(VaeTuiError):
                self._feed.poll()
            self._preview.show(self._feed, self._run.about.note)

    @work(thread=True, exclusive=True)
    def _read(self, feed: RunFeed) -> None:
        worker = get_current_worker()
        try:
            feed.catch_up(thinned=True, cancelled=lambda: worker.is_cancelled)
        except VaeTuiError:
            return
        if not worker.is_cancelled:
            self.post_message(self.Read(feed))

    def on_preview_pane_read(self, event: Read) -> None:
        """Show it, if the cursor is still there."""
        if self._preview is not None and self._run is not None and self._run.path == event.feed.run.path:
            self._feed = event.feed
            self._preview.show(event.feed, self._run.about.note)
