"""What came of a sweep, as tables: for people, for papers and for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from vae_tui.cli.output import say
from vae_tui.headless import StageProgress
from vae_tui.runs.identity import as_toml
from vae_tui.runs.summary import Summaries
from vae_tui.sweep.results import (
    FIGURES,
    SEED,
    Mean,
    RunResult,
    SeedsResult,
    average_seeds,
    order_for_reading,
    read_results,
    show_value,
)
from vae_tui.text import printable
from vae_tui.wording import MISSING, counted

if TYPE_CHECKING:
    from vae_tui.sweep.folder import Contents, Sweep

_TITLES = {"nelbo": "-ELBO", "distortion": "distortion", "rate": "rate", "loss": "loss", "active": "active"}
_UNLIMITED = 10_000
_IN_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    character: f"\\{character}" for character in "&%$#_{}"
}


def print_results(sweep: Sweep, contents: Contents) -> None:
    """The means over seeds on stdout, and on stderr what they are of."""
    results = read_all(sweep, contents)
    groups = order_for_reading(average_seeds(results), contents)
    if not any(group.means for group in groups):
        return
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _UNLIMITED
    table = Table(box=None, pad_edge=False, header_style="bold")
    keys = _keys(contents)
    for key in keys:
        table.add_column(printable(key.rpartition(".")[2]), justify="right")
    for name in FIGURES:
        table.add_column(_TITLES[name], justify="right", no_wrap=True)
    table.add_column("runs", justify="right")
    for group in groups:
        cells = [printable(show_value(group.values[key])) for key in keys]
        table.add_row(*cells, *(_plain(group.means.get(name), name) for name in FIGURES), _runs(group))
    console.print(table)
    say(caption(contents, results))


def read_all(sweep: Sweep, contents: Contents) -> list[RunResult]:
    """How each job stands and what came of it so far, with progress where that takes long."""
    progress, results = StageProgress(), list[RunResult]()
    for results in read_results(sweep, contents, Summaries()):
        progress.update("reading runs", sum(result.summary is not None for result in results), len(results))
    progress.close()
    return results


def caption(contents: Contents, results: Sequence[RunResult]) -> str:
    """What the table's figures are."""
    seeds = SEED in contents.keys
    spread = "mean ± standard error over seeds; " if seeds else ""
    states = [result.standing.state for result in results]
    left = contents.run_count - states.count("completed") - states.count("pruned")
    rest = f"; {counted(left, 'run')} of {contents.run_count} not completed" if left else ""
    pruned = states.count("pruned")
    rest += f"; {counted(pruned, 'run')} pruned" if pruned else ""
    return f"{spread}nats per image at each run's best checkpoint, on validation images where there are some{rest}"


def as_json(sweep: Sweep, contents: Contents, results: Sequence[RunResult]) -> str:
    """Everything, for programs."""
    runs = [
        {
            "run": result.job.run,
            "values": result.job.values,
            "state": result.standing.state,
            "attempts": result.standing.attempts,
            "reason": result.standing.reason,
            "epoch": result.epoch,
            "figures": result.figures,
        }
        for result in results
    ]
    groups = [
        {
            "values": group.values,
            "runs": len(group.runs),
            "figures": {
                name: {"mean": mean.mean, "standard_error": mean.error, "runs": mean.count}
                for name, mean in group.means.items()
            },
        }
        for group in order_for_reading(average_seeds(results), contents)
    ]
    whole = {
        "sweep": sweep.name,
        "recipe": contents.recipe_name,
        "set": contents.fixed,
        "keys": contents.keys,
        "figures": caption(contents, results),
        "over_seeds": groups,
        "runs": runs,
    }
    return json.dumps(whole, indent=2)


def as_csv(contents: Contents, results: Sequence[RunResult]) -> str:
    """A row a run."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["run", *contents.keys, "state", "epoch", *FIGURES])
    for result in results:
        values = [_cell(result.job.values[key]) for key in contents.keys]
        figures = [result.figures.get(name, "") for name in FIGURES]
        writer.writerow([result.job.run, *values, result.standing.state, result.epoch, *figures])
    return written.getvalue()


def table_file(sweep: Sweep, contents: Contents, results: Sequence[RunResult], suffix: str) -> str:
    """The content of a .md, .tex, .csv or .json file."""
    if suffix == ".json":
        return f"{as_json(sweep, contents, results)}\n"
    if suffix == ".csv":
        return as_csv(contents, results)
    return _markdown(contents, results) if suffix == ".md" else _latex(contents, results)


def _markdown(contents: Contents, results: Sequence[RunResult]) -> str:
    keys = _keys(contents)
    titles = [*(f"`{key}`" for key in keys), *(_TITLES[name] for name in FIGURES), "runs"]
    lines = [_row(titles), _row(["---:"] * len(titles))]
    for group in order_for_reading(average_seeds(results), contents):
        lines.append(_row(_cells(group, keys, _plain, lambda text: text.replace("|", "\\|"))))
    return "\n".join([*lines, "", f"{caption(contents, results)}.", ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _latex(contents: Contents, results: Sequence[RunResult]) -> str:
    keys = _keys(contents)
    titles = [*(_escape(key) for key in keys), *(_escape(_TITLES[name]) for name in FIGURES), "runs"]
    body = [
        " & ".join(_cells(group, keys, _in_latex, _escape)) + r" \\"
        for group in order_for_reading(average_seeds(results), contents)
    ]
    lines = [
        f"% {caption(contents, results)}; needs \\usepackage{{booktabs}}",
        rf"\begin{{tabular}}{{{'r' * len(titles)}}}",
        r"\toprule",
        " & ".join(titles) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join([*lines, ""])


def _cells(
    group: SeedsResult, keys: Sequence[str], show: Callable[[Mean | None, str], str], escape: Callable[[str], str]
) -> list[str]:
    values = [escape(show_value(group.values[key])) for key in keys]
    return [*values, *(show(group.means.get(name), name) for name in FIGURES), _runs(group)]


def _keys(contents: Contents) -> list[str]:
    return [key for key in contents.keys if key != SEED]


def _runs(group: SeedsResult) -> str:
    count = max((mean.count for mean in group.means.values()), default=0)
    return str(count) if count == len(group.runs) else f"{count} of {len(group.runs)}"


def _plain(mean: Mean | None, name: str) -> str:
    if mean is None:
        return MISSING
    decimals = 1 if name == "active" else 2
    error = f" ± {mean.error:.{decimals}f}" if mean.error is not None else ""
    return f"{mean.mean:z,.{decimals}f}{error}"


def _in_latex(mean: Mean | None, name: str) -> str:
    if mean is None:
        return "--"
    return f"${_plain(mean, name)}$".replace(" ± ", r" \pm ").replace(",", "{,}")


def _escape(text: str) -> str:
    return "".join(_IN_LATEX.get(character, character) for character in text)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else as_toml(value)
