"""Which runs a list shows, in which order: what is known of a folder, a filter, a key to sort by, groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from vae_tui.runs.columns import UnknownKey, sort_runs
from vae_tui.runs.filter import FilterError, parse_filter
from vae_tui.runs.groups import group_by_recipe
from vae_tui.runs.summary import Summary
from vae_tui.text import printable
from vae_tui.tui.widgets.run_table import GroupTitle
from vae_tui.wording import counted


@dataclass
class RunList:
    """The runs of `count` that were read so far, None before any was; `sort` has a - before it for largest first.

    `problem` is what is wrong with the filter, `folder_problem` why the folder cannot be read.
    """

    runs: list[Summary] = field(default_factory=list)
    count: int | None = None
    filter: str = ""
    sort: str = "age"
    grouped: bool = False
    problem: str = ""
    folder_problem: str = ""

    def update(self, runs: list[Summary], count: int, problem: str) -> bool:
        """Take what was read; whether it is anything new."""
        before = (self.count, self.folder_problem)
        # Those that did not change are the same objects, which compares at once.
        same = before == (count, problem) and len(runs) == count and self.runs == runs
        self.runs, self.count, self.folder_problem = runs, count, problem
        return not same

    def lines(self) -> list[Summary | GroupTitle] | None:
        """What fits the filter, in order; None, with a `problem`, where that cannot be understood."""
        try:
            kept = parse_filter(self.filter, self.runs)(self.runs)
        except FilterError as error:
            self.problem = str(error)
            return None
        self.problem = ""
        in_order = self._in_order(kept)
        if not self.grouped:
            return list(in_order)
        lines: list[Summary | GroupTitle] = []
        for group in group_by_recipe(in_order):
            lines += [GroupTitle(printable(group.name), len(group.runs)), *group.runs]
        return lines

    def _in_order(self, runs: Sequence[Summary]) -> Sequence[Summary]:
        try:
            return sort_runs(runs, self.sort)
        except UnknownKey:
            # A key that only runs had which are filtered out.
            return runs

    def sort_by(self, key: str) -> None:
        """Sort by a key; by the same one, the other way round."""
        self.sort = f"-{key}" if self.sort == key else key

    def reverse(self) -> None:
        """Sort the other way round."""
        self.sort = self.sort.removeprefix("-") if self.sort.startswith("-") else f"-{self.sort}"

    @property
    def placeholder(self) -> str:
        """What stands in place of runs where there are none."""
        if self.folder_problem:
            return printable(self.folder_problem)
        if self.count is None:
            return "reading runs…"
        if self.filter and self.runs:
            return "no run fits the filter; esc shows all"
        return "no runs here yet; n trains one"

    def describe(self, folder: str, *, shown: int, chosen: int) -> str:
        """The title: how many runs there are, and which of them are shown how."""
        live = sum(run.live for run in self.runs)
        parts = [f"vae-tui   {printable(folder)}"]
        if self.count is not None:
            read = f"{shown} of " if shown < self.count else ""
            parts.append(read + counted(self.count, "run") + (f", {live} live" if live else ""))
        if self.filter:
            parts.append(f"filter: {self.filter}")
        if chosen:
            parts.append(f"{chosen} chosen")
        key, other = self.sort.removeprefix("-"), " backwards" if self.sort.startswith("-") else ""
        parts.append(f"by {key}{other}")
        return "   ".join(parts)
