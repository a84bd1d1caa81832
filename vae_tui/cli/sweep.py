"""The command that trains many runs of one recipe, and shows what came of them."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from vae_tui.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED
from vae_tui.cli.options import DataRoot, Device, PictureMode, PictureModeOption, RunsDir, Set
from vae_tui.cli.outfiles import check_out, write_out
from vae_tui.cli.output import give, give_json, say
from vae_tui.cli.screen import import_screen, on_a_terminal
from vae_tui.errors import VaeTuiError

if TYPE_CHECKING:
    from vae_tui.sweep.folder import Contents, Sweep
    from vae_tui.sweep.plan import Plan

_TABLES = (".md", ".tex", ".csv", ".json")
_FIGURES = (".png", ".svg", ".pdf")


class SweepUi(StrEnum):
    """How a sweep is shown while it trains."""

    AUTO = "auto"
    TUI = "tui"
    PLAIN = "plain"
    NONE = "none"


def sweep(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SWEEP|RECIPE",
            help="The name of a sweep begun before, a sweep's file, or the name of a shipped one; with --grid a recipe "
            "[default: list the sweeps there are].",
        ),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=V,V", help="Values of a key: a run for each, and for every pair of several keys' values."
        ),
    ] = None,
    zip_: Annotated[
        list[str] | None,
        typer.Option("--zip", metavar="KEY=V,V", help="Values that go together with those of the other --zip keys."),
    ] = None,
    set_: Set = None,
    name: Annotated[
        str | None, typer.Option(help="What to call the sweep [default: its file's name, or recipe and keys].")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="How many runs train at once [default: one a GPU, else one a core and thread]."),
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Train runs again that failed or were stopped.")] = False,
    first: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Train the runs with this value before the others; repeatable."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Say which runs there are and about how long they take, by a trial of some seconds, and train none.",
        ),
    ] = False,
    work: Annotated[
        bool,
        typer.Option(
            "--work", help="Be one more worker of a sweep begun before, on this or any machine that has its folder."
        ),
    ] = False,
    slurm: Annotated[
        str | None,
        typer.Option(
            metavar="OPTIONS",
            help='Submit workers to a Slurm cluster with these options of sbatch, such as "--gres=gpu:1 --time=4:00:00"; '
            "--jobs says how many.",
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="For programs: what came of it so far, as JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="What came of it so far, a row a run.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what came of it so far: a table, .md, .tex, .csv or .json, or a figure, .png, .svg or .pdf.",
        ),
    ] = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    runs_dir: RunsDir = Path("checkpoints"),
    ui: Annotated[
        SweepUi,
        typer.Option(help="auto: the screen on a terminal, else plain: a line a run; none: only what fails."),
    ] = SweepUi.AUTO,
    images: PictureModeOption = PictureMode.AUTO,
) -> None:
    """Train many runs of one recipe, and say what came of them.

    A sweep is a file, or a recipe with lists of values. Its runs are ordinary runs, found by `sweep:NAME`. It may be
    interrupted or killed at any time: the same command goes on with it. What came of it so far: --json, --csv, --out, or
    its name alone.

    Examples: `vae-tui sweep betas`; `vae-tui sweep digits --grid objective.beta=0,0.5,1,4 --grid train.seed=0,1,2`.
    """
    from vae_tui.sweep.folder import find_sweep, require_sweep

    if source is None:
        _list_sweeps(runs_dir)
        return
    shown = json_ or csv or out is not None
    if sum((json_, csv, out is not None)) > 1:
        raise VaeTuiError("--json and --csv print what came of a sweep, --out writes it: give one of them")
    if shown:
        suffix = check_out(out, (*_TABLES, *_FIGURES)) if out is not None else ""
        _show(require_sweep(name or _name_of(source), runs_dir), json_=json_, out=out, suffix=suffix)
        return
    if first and dry_run:
        raise VaeTuiError("--first puts runs before others, and with --dry-run none is trained: leave out one of them")
    # Of one begun before, however it was, the name alone goes on with it.
    begun = find_sweep(source, runs_dir) if not (grid or zip_ or set_ or name) else None
    plan = None if work or begun is not None else _read_plan(source, grid, zip_, set_, name)
    if plan is None:
        found = begun or require_sweep(source, runs_dir)
        contents = found.read()
        if dry_run:
            _print_jobs(found, contents)
            return
    else:
        _check(plan)
        if dry_run:
            _print_plan(plan, jobs, device, data_root)
            return
        found, contents = _open(plan, runs_dir, slurm)
    if first:
        from vae_tui.sweep.open import put_first
        from vae_tui.wording import counted

        contents, count = put_first(found, first)
        say(f"{counted(count, 'run')} put first")
    if retry:
        _try_again(found, contents)
    if not work:
        found.ask("stop", withdraw=True)
    if slurm is not None:
        _submit(found, contents, slurm, jobs, device, data_root)
        return
    if not work and (ui is SweepUi.TUI or (ui is SweepUi.AUTO and on_a_terminal())):
        _show_work(found, jobs, device, data_root, images)
    else:
        _go_on(found, contents, jobs, device, data_root, ui)


def _list_sweeps(runs_dir: Path) -> None:
    """The sweeps there are, and how far each is."""
    from vae_tui.sweep.folder import list_sweeps

    found = list_sweeps(runs_dir)
    if not found:
        say(f"no sweep under {runs_dir} yet; begin one with: vae-tui sweep betas")
    for one in found:
        contents = one.read()
        states = [state.state for state in one.claims.standings(job.number for job in contents.jobs).values()]
        done = states.count("completed") + states.count("pruned")
        parts = [f"{states.count(state)} {state}" for state in ("running", "failed", "stopped") if state in states]
        give("   ".join([f"{one.name:<24} {done} of {contents.run_count} done", contents.recipe_name, *parts]))


def _name_of(source: str) -> str:
    """What the sweep of a file is called."""
    return Path(source).name.removesuffix(".toml") if source.endswith(".toml") else source


def _read_plan(
    source: str, grid: list[str] | None, zip_: list[str] | None, set_: list[str] | None, name: str | None
) -> Plan | None:
    """What is to be trained; None where `source` is the name of a sweep begun before."""
    from vae_tui.sweep.plan import find_sweep_file, plan_of_grid, read_plan

    if grid or zip_:
        return plan_of_grid(source, grid=grid or (), zipped=zip_ or (), fixed=set_ or (), name=name)
    path = find_sweep_file(source)
    if path is None and Path(source).is_file():
        from vae_tui.recipe import load_recipe

        load_recipe(source)
        raise VaeTuiError(f"{source} is a recipe: sweep it with lists of values, such as --grid objective.beta=0,1,4")
    if path is None:
        if set_:
            raise VaeTuiError(f"--set goes with a sweep's file or with --grid, and {source} is neither")
        return None
    return read_plan(path, name=name, fixed=set_ or ())


def _check(plan: Plan) -> None:
    from vae_tui.headless import StageProgress
    from vae_tui.sweep.plan import check_plan

    progress = StageProgress()
    try:
        check_plan(plan, lambda done, total: progress.update("checking recipes", done, total))
    finally:
        progress.close()


def _print_plan(plan: Plan, jobs: int | None, device: str, data_root: Path | None) -> None:
    """The names of the runs on stdout; on stderr how many, and about how long they take, by a trial of some seconds."""
    from vae_tui.headless import StageProgress
    from vae_tui.sweep.estimate import estimate
    from vae_tui.sweep.folder import Job
    from vae_tui.sweep.open import contents_of
    from vae_tui.sweep.places import choose_places
    from vae_tui.wording import counted, format_bytes, format_clock, format_count

    contents = contents_of(plan)
    what = "trial" if plan.search is not None else "run"
    say(f"{plan.name}: {counted(plan.run_count, what)} of {plan.base_name}")
    for job in contents.jobs:
        give(job.run)
    if plan.search is not None:
        corner = Job(1, plan.search.corners()[0], "corner")
        contents = replace(contents, jobs=(corner,))
    places = choose_places(device, jobs, contents.fixed.get("train.threads", 1))
    progress = StageProgress()
    try:
        whole = estimate(
            contents,
            plan.base.to_toml(),
            at_once=len(places),
            device=places[0],
            data_root=data_root,
            progress=lambda done, total: progress.update("training some seconds of each kind of run", done, total),
        )
    finally:
        progress.close()
    least, most = (format_count(count) for count in whole.parameters)
    say(
        f"about {format_clock(whole.seconds)} with {counted(len(places), 'run')} at a time, at most "
        f"{format_bytes(whole.disk_bytes)} on disk; {least if least == most else f'{least} to {most}'} parameters"
    )


def _print_jobs(found: Sweep, contents: Contents) -> None:
    standings = found.claims.standings(job.number for job in contents.jobs)
    for job in contents.jobs:
        give(f"{standings[job.number].state:<10} {job.run}")


def _open(plan: Plan, runs_dir: Path, slurm: str | None) -> tuple[Sweep, Contents]:
    """The sweep of a plan: made, or, where there is one of that name, with the plan's jobs."""
    from vae_tui.sweep.open import open_sweep
    from vae_tui.sweep.slurm import cores_of, read_options

    cores = cores_of(read_options(slurm)) if slurm is not None else None
    opened, contents, notes = open_sweep(plan, runs_dir, threads=cores or 1)
    for note in notes:
        say(f"note: {note}")
    return opened, contents


def _try_again(found: Sweep, contents: Contents) -> None:
    """Have the jobs that failed or were stopped wait again."""
    for number, standing in found.claims.standings(job.number for job in contents.jobs).items():
        if standing.state in ("failed", "stopped"):
            found.claims.try_again(number)


def _submit(
    found: Sweep, contents: Contents, slurm: str, jobs: int | None, device: str, data_root: Path | None
) -> None:
    """Hand what is left of a sweep to a cluster."""
    from vae_tui.sweep.slurm import read_options, submit
    from vae_tui.wording import counted

    states = found.claims.standings(job.number for job in contents.jobs).values()
    waiting = sum(standing.state == "waiting" for standing in states)
    if not waiting:
        say(f"no run of {found.name} waits: nothing to submit")
        return
    workers = min(waiting, jobs or waiting)
    number = submit(found, read_options(slurm), workers, device=device, data_root=data_root)
    say(
        f"submitted {counted(workers, 'worker')} as job {number}; see how far it is with: vae-tui watch sweep:{found.name_to_type}"
    )
    give(number)


def _go_on(
    found: Sweep, contents: Contents, jobs: int | None, device: str, data_root: Path | None, ui: SweepUi
) -> None:
    """Train what is left of a sweep, and say what came of it."""
    from vae_tui.cli.sweep_progress import SweepProgress
    from vae_tui.cli.sweep_tables import print_results
    from vae_tui.sweep.places import choose_places
    from vae_tui.sweep.slurm import queue_again
    from vae_tui.sweep.worker import Worker

    threads = contents.fixed.get("train.threads", 1)
    signals: list[int] = []
    in_slurm = "SLURM_JOB_ID" in os.environ
    worker = Worker(found, choose_places(device, jobs, threads), data_root=data_root, interrupted=lambda: bool(signals))
    progress = SweepProgress(found, contents, silent=ui is SweepUi.NONE)
    if found.is_asked("pause"):
        progress.note(f"it is paused; let it go on with: vae-tui unpause sweep:{found.name_to_type}")

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if not signals:
            progress.note("saving checkpoints and stopping ...")
        signals.append(number)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    try:
        for news in worker.work(stay=not in_slurm):
            progress.show(news)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        progress.close()
    if in_slurm and signal.SIGUSR1 in signals:
        say("its time is nearly over: this worker is queued again")
        queue_again()
        return
    print_results(found, found.read())
    if importances := worker.importances():
        say(f"importance: {', '.join(f'{key} {share:.2f}' for key, share in importances.items())}")
    if worker.stopping:
        say(f"go on with: vae-tui sweep {found.name_to_type}")
        raise typer.Exit(EXIT_INTERRUPTED)
    if progress.failures:
        say(f"once it can be mended, train them again with: vae-tui sweep {found.name_to_type} --retry")
        raise typer.Exit(EXIT_FAILED)


def _show_work(found: Sweep, jobs: int | None, device: str, data_root: Path | None, images: PictureMode) -> None:
    """Train what is left of a sweep in a process that outlives this terminal, and show it."""
    from vae_tui.sweep.worker import start_worker

    worker = start_worker(found, jobs=jobs, device=device, data_root=data_root)
    watch_sweep(found, images, data_root)
    if worker.poll() is None:
        say(
            f"the sweep goes on in process {worker.pid}; see it with: vae-tui watch sweep:{found.name_to_type}, stop it with: "
            f"vae-tui stop sweep:{found.name_to_type}"
        )
    elif worker.returncode:
        raise typer.Exit(worker.returncode)


def watch_sweep(found: Sweep, images: PictureMode, data_root: Path | None) -> None:
    """Show a sweep that others work at: on a screen, or, where there is no terminal, what came of it so far."""
    from vae_tui.cli.sweep_tables import print_results

    if on_a_terminal():
        import_screen()
        from vae_tui.tui.app import VaeTuiApp
        from vae_tui.tui.screens.sweep import SweepScreen

        screen = VaeTuiApp(SweepScreen(found, data_root), images=images.value, data_root=data_root)
        screen.run()
        if screen.return_code:
            raise typer.Exit(screen.return_code)
    print_results(found, found.read())


def _show(found: Sweep, *, json_: bool, out: Path | None, suffix: str) -> None:
    """Write what came of a sweep so far: to a file, or to stdout as JSON or CSV."""
    from vae_tui.cli import sweep_tables

    contents = found.read()
    results = sweep_tables.read_all(found, contents)
    if json_:
        give_json(sweep_tables.as_json(found, contents, results))
    elif out is None:
        for line in sweep_tables.as_csv(contents, results).splitlines():
            give(line)
    elif suffix in _TABLES:
        write_out(out, sweep_tables.table_file(found, contents, results, suffix).encode())
    else:
        from vae_tui.cli.sweep_figures import draw_sweep

        write_out(out, draw_sweep(contents, results, suffix))
