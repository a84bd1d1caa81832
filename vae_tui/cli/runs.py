"""Commands that show runs: watch, runs, compare."""

from __future__ import annotations

import io
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vae_tui.cli.exits import EXIT_WRONG_INPUT
from vae_tui.cli.options import DataRoot, Notify, PictureMode, PictureModeOption, RunsDir
from vae_tui.cli.output import give_json, say
from vae_tui.cli.screen import import_screen, on_a_terminal

if TYPE_CHECKING:
    from vae_tui.runs.history import History
    from vae_tui.runs.layout import Run


class CurveAxis(StrEnum):
    """What curves are drawn along."""

    STEP = "step"
    EPOCH = "epoch"
    TIME = "time"


def watch(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run's name or path, a recipe's name (its newest run), or a unique prefix; sweep:NAME for a whole sweep "
            "[default: the newest run].",
        ),
    ] = None,
    runs_dir: RunsDir = Path("checkpoints"),
    images: PictureModeOption = PictureMode.AUTO,
    data_root: DataRoot = None,
    notify: Notify = None,
) -> None:
    """Show a run with its whole history, live or finished.

    Without a terminal, as plain progress.
    """
    from vae_tui.cli.selection import sweep_named
    from vae_tui.runs.find import find_run
    from vae_tui.runs.log import EventReader
    from vae_tui.runs.notify import WatcherNotices

    if run is not None and (sweep := sweep_named(run, runs_dir)) is not None:
        from vae_tui.cli.sweep import watch_sweep

        watch_sweep(sweep, images, data_root)
        return
    chosen = find_run(run, runs_dir)
    notices = None if notify is None else WatcherNotices(notify)
    next(EventReader(chosen.events_path).read(), None)  # a log that cannot be read is named before a screen opens
    if on_a_terminal():
        import_screen()
        from vae_tui.runs.feed import RunFeed
        from vae_tui.tui.app import VaeTuiApp
        from vae_tui.tui.screens.training import TrainingScreen

        screen = VaeTuiApp(TrainingScreen(RunFeed(chosen), data_root, notices), images=images.value)
        screen.run()
        if screen.return_code:
            raise typer.Exit(screen.return_code)
    else:
        from vae_tui.headless import PlainView, watch_to_end

        watch_to_end(chosen, PlainView(), notices=notices)


def runs(
    filter_: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILTER...]",
            help="Words that names have in them, and conditions such as beta>=4 state:failed data:mnist tag:paper age<2h "
            "optimizer.lr<1e-3; -seed:0 is the opposite. Quote what has < or > in it.",
        ),
    ] = None,
    sort: Annotated[
        str, typer.Option(metavar="KEY", help="A column or a key of the recipe; - before it: largest first.")
    ] = "age",
    columns: Annotated[
        str | None, typer.Option(metavar="KEY,KEY", help="Which columns; keys of the recipe, as optimizer.lr, too.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="For programs: every column, as one JSON list.")] = False,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """List runs, with how they stand and what came of them.

    Without a filter all of them, the newest first. Figures are in nats per image.

    Columns, all of which can be filtered and sorted by, as can keys of recipes: state name recipe data changed network
    latents beta seed epoch step best nelbo distortion rate active age size tag note
    """
    from vae_tui.headless import StageProgress
    from vae_tui.runs.columns import UnknownKey, sort_runs
    from vae_tui.runs.filter import parse_filter
    from vae_tui.runs.find import closed_folders, list_runs
    from vae_tui.runs.summary import summarize

    words = filter_ or []
    if misspelt := next((word for word in words if word.startswith("--")), None):
        raise typer.BadParameter(f"no such option: {misspelt}")
    progress, listed = StageProgress(), list_runs(runs_dir)
    found = []
    for index, run in enumerate(listed):
        progress.update("reading runs", index, len(listed))
        found.append(summarize(run))
    progress.close()
    for problem in closed_folders(runs_dir):
        say(f"left out: {problem}")
    kept = parse_filter(" ".join(words), found)(found)
    try:
        kept = sort_runs(kept, sort) if kept else kept
    except UnknownKey as error:
        raise UnknownKey(f"--sort: {error}") from None
    if json_:
        from vae_tui.cli.tables import as_json

        give_json(as_json(kept))
    elif not kept:
        say(f"none of {len(found)} runs under {runs_dir}" if found else f"no run under {runs_dir} yet")
    else:
        from vae_tui.cli.tables import print_runs
        from vae_tui.runs.columns import LEFT_OUT_FIRST, SHOWN

        chosen = columns.split(",") if columns is not None else None
        print_runs(kept, chosen or SHOWN, LEFT_OUT_FIRST if chosen is None else ())


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN...",
            help="Runs, by name, path, recipe or the beginning of a name; sweep:NAME for all of a sweep.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write their curves instead: a figure, .png, .svg or .pdf, or a .csv with a row an epoch of each run.",
        ),
    ] = None,
    axis: Annotated[CurveAxis, typer.Option("--x", help="What a figure's curves run along.")] = CurveAxis.STEP,
    json_: Annotated[bool, typer.Option("--json", help="For programs: the same as one JSON object.")] = False,
    runs_dir: RunsDir = Path("checkpoints"),
) -> None:
    """Compare runs: their recipes, and what came of them.

    Figures are in nats per image: of validation images where there are some, else of training images. With --out, a
    figure of -ELBO, distortion, rate, and each run's way through the plane of the latter two; drawing needs matplotlib:
    pip install 'vae-tui[figures]'
    """
    from vae_tui.cli.selection import find_runs
    from vae_tui.errors import VaeTuiError

    if out is not None and json_:
        raise VaeTuiError("--json prints a comparison and --out writes curves: give one of them")
    found = find_runs(runs, runs_dir)
    if len(found) < 2:
        named = found[0].path.resolve() if found else "a sweep of which no run was begun"
        say(f"comparing takes two runs or more, and all that was named is {named}")
        raise typer.Exit(EXIT_WRONG_INPUT)
    if out is not None:
        _write_curves(found, out, axis)
        return
    from vae_tui.cli.tables import compare_as_json, print_comparison
    from vae_tui.runs.summary import summarize

    summaries = [summarize(run) for run in found]
    if json_:
        give_json(compare_as_json(summaries))
    else:
        print_comparison(summaries)


def _write_curves(runs: list[Run], out: Path, axis: CurveAxis) -> None:
    """Write the curves of runs as a figure or as a table."""
    from vae_tui.cli.outfiles import check_out, write_out
    from vae_tui.runs.rows import tabulate_epochs_of, write_csv

    suffix = check_out(out, (".png", ".svg", ".pdf", ".csv"))
    names = [run.name for run in runs]
    named = {run.name if names.count(run.name) == 1 else str(run.path): run for run in runs}
    if suffix == ".csv":
        content = io.BytesIO()
        write_csv(tabulate_epochs_of(named), content)
        write_out(out, content.getvalue())
        return
    from vae_tui.cli.figures import draw_comparison
    from vae_tui.headless import StageProgress
    from vae_tui.runs.feed import RunFeed

    progress, histories = StageProgress(), {}
    for index, (name, run) in enumerate(named.items()):
        progress.update("reading runs", index, len(runs))
        feed = RunFeed(run)
        feed.catch_up(thinned=True)
        histories[name] = feed.history
    progress.close()
    if len({_measured_by(history) for history in histories.values()}) > 1:
        say("note: these runs have different images or likelihoods, so their nats do not compare")
    write_out(out, draw_comparison(histories, axis.value, suffix))


def _measured_by(history: History) -> tuple[object, ...]:
    """What nats depend on besides the model: the images, how they are read, and the likelihood."""
    keys = (("data", "name"), ("data", "binarize"), ("data", "image_size"), ("likelihood", "name"))
    return tuple(history.recipe.get(table, {}).get(key) for table, key in keys)
