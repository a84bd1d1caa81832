"""What keys do about bookmarks, recordings and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vae_tui.errors import VaeTuiError
from vae_tui.runs.files import user_path
from vae_tui.walk.actions.motion import anchor_route
from vae_tui.walk.bookmarks import Bookmark, Bookmarks
from vae_tui.walk.export import check_export, write_picture
from vae_tui.walk.messages import ExportGif, GifExported
from vae_tui.walk.motion import FRAMES_PER_SECOND
from vae_tui.walk.paths import Latents
from vae_tui.walk.recorded import RecordedWalk, write_walk
from vae_tui.walk.shares import Shares
from vae_tui.walk.walk import Walk

_FRAMES_PER_LEG = 20


class StorageActions:
    """Stores places and walks, and goes back to what was stored."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk

    @property
    def slots(self) -> str:
        """Which bookmarks there are, in words."""
        try:
            taken = sorted(Bookmarks(self._walk.checkpoint).read())
        except VaeTuiError as error:
            return str(error)
        return f"taken: {' '.join(map(str, taken))}" if taken else "none is taken"

    def save_bookmark(self, slot: int) -> None:
        """Store the place, and the directions there are, in a bookmark."""
        bookmarks = Bookmarks(self._walk.checkpoint)
        try:
            bookmarks.save(slot, Bookmark(self._walk.z, self._walk.dimensions.axes.directions))
        except VaeTuiError as error:
            self._walk.fail(str(error))
        else:
            self._walk.notify(f"saved as {slot} in {bookmarks.path}", "success")

    def go_to_bookmark(self, slot: int) -> None:
        """Go to a bookmark, whose directions are added."""
        walk = self._walk
        try:
            found = Bookmarks(walk.checkpoint).read().get(slot)
        except VaeTuiError as error:
            walk.fail(str(error))
            return
        if found is None:
            walk.notify(f"bookmark {slot} is empty: m {slot} saves a place there")
        elif len(found.z) != len(walk.z):
            walk.notify(f"bookmark {slot} has {len(found.z)} dimensions, this model has {len(walk.z)}")
        else:
            walk.dimensions.add(found.directions)
            walk.views.scatter.forget_axes()
            walk.go(found.z)

    def toggle_recording(self) -> None:
        """Begin to record every place, or end it."""
        recording = self._walk.recording
        if not recording.active:
            recording.begin(self._walk.z, self._walk.position.place.shares)
            return
        recording.end()
        count = len(recording.frames)
        seconds = count / FRAMES_PER_SECOND
        self._walk.notify(f"recorded {count} frames, {seconds:.1f} s: x exports them as .gif or .toml")

    def path(self) -> tuple[Latents, Shares | None] | None:
        """The points (N, Z) there are to export: what was recorded, or else the way through the anchors and back.

        With them how much of each class each is, (N, K + 1), where they are of classes of their own.
        """
        walk = self._walk
        if walk.recording.frames:
            return np.stack(walk.recording.frames), walk.classes.rows_to_send(walk.recording.shares)
        if len(walk.anchors) < 2:
            return None
        route, end = anchor_route(walk), walk.motion.end
        legs = (len(walk.anchors) - 1) * 2 if end == "bounce" else len(walk.anchors)
        places = [frame / _FRAMES_PER_LEG for frame in range(legs * _FRAMES_PER_LEG)]
        shares = walk.classes.rows_to_send([route.shares_at(place, end) for place in places])
        return np.stack([route.at(place, end) for place in places]), shares

    def export(self, text: str, columns: int) -> None:
        """Write what is seen, a .png of so many columns where the view has none of its own, or the path, to a file."""
        try:
            self._export(user_path(text), columns)
        except VaeTuiError as error:
            self._walk.fail(str(error))

    def _export(self, out: Path, columns: int) -> None:
        check_export(out)
        if out.suffix.lower() == ".png":
            self._export_picture(out, columns)
            return
        path = self.path()
        if path is None:
            raise VaeTuiError("there is nothing to export that moves: record with v, or add two anchors with a")
        if out.suffix.lower() == ".toml":
            points, shares = path
            name = self._walk.classes.describe()
            write_walk(out, RecordedWalk(points, float(FRAMES_PER_SECOND), str(self._walk.checkpoint), name, shares))
            replay = f"vae-tui sample --path {out} --out walk.gif"
            self._walk.notify(f"wrote {out}; replay it with: {replay}", "success")
        else:
            self._walk.send(ExportGif(out.absolute(), float(FRAMES_PER_SECOND), *path), self._take_exported)

    def _export_picture(self, out: Path, columns: int) -> None:
        tiles = self._walk.views.current.tiles
        if tiles is None:
            raise VaeTuiError("there is no picture yet")
        write_picture(out, tiles.stacks, tiles.columns or columns, self._walk.checkpoint)
        self._walk.notify(f"wrote {out}", "success")

    def _take_exported(self, reply: GifExported) -> None:
        self._walk.notify(f"wrote {reply.out}", "success")
