"""From a plan to the sweep's folder: a new one, or one begun before, whose list of jobs then follows the plan."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vae_tui.errors import RunError
from vae_tui.runs.lock import lock_holder
from vae_tui.runs.trust import trust
from vae_tui.sweep.folder import Contents, Job, Sweep, add_jobs, find_sweep, make_sweep
from vae_tui.sweep.plan import Plan, read_settings, run_names
from vae_tui.wording import counted


def contents_of(plan: Plan, *, threads: int = 1) -> Contents:
    """What a sweep of a plan consists of.

    What the recipe leaves to a trial at the start of a run is decided for all runs, `threads` each and not compiled: trials of
    runs that train at the same time would disturb each other, and a run that is begun anew is to come to the same bits.
    """
    decided: dict[str, Any] = {"train.threads": threads, "train.compile": False}
    fixed = plan.fixed | {
        key: value
        for key, value in decided.items()
        if key not in plan.keys and plan.fixed.get(key, plan.base.value(key)) == "auto"
    }
    runs = zip(plan.runs, run_names(plan), strict=True)
    jobs = tuple(Job(number, values, name) for number, (values, name) in enumerate(runs, start=1))
    return Contents(plan.base_name, fixed, plan.keys, jobs, plan.search)


def open_sweep(plan: Plan, runs_dir: Path, *, threads: int = 1) -> tuple[Sweep, Contents, tuple[str, ...]]:
    """The sweep of a plan, what it consists of, and sentences on what has changed in it.

    Raises RunError where there is another sweep of its name.
    """
    contents = contents_of(plan, threads=threads)
    if plan.has_own_file:
        fixed = (code for key, code in plan.fixed.items() if key.endswith(".code"))
        for code in (*fixed, *(code for _, code in plan.base.own.values())):
            trust(str(code))
    jobs = [(job.values, job.run) for job in contents.jobs]
    found = find_sweep(f"sweep:{plan.name}", runs_dir)
    if found is None:
        return make_sweep(runs_dir, plan.name, plan.base.to_toml(), contents), contents, ()
    with found.being_changed():
        before = found.read()
        kept = {key: before.fixed.get(key) for key in contents.fixed.keys() - plan.fixed.keys()}
        contents = replace(contents, fixed=contents.fixed | kept)
        _check_same(plan, found, before, contents)
        if plan.search is not None:
            # There may be more trials than before, or fewer to come.
            found.write(replace(before, search=plan.search))
            return found, found.read(), ()
        contents, added, gone = add_jobs(before, jobs)
        training = [job for job in gone if lock_holder(found.run_of(job).path) is not None]
        if training:
            raise RunError(f"{training[0].run} is no longer in the sweep, and it is being trained: stop it first")
        if not added and not gone:
            return found, before, ()
        contents = replace(contents, keys=plan.keys)
        found.write(contents)
    notes = [f"{counted(added, 'run')} added to {plan.name}"] if added else []
    if gone:
        notes.append(f"{counted(len(gone), 'run')} taken away from {plan.name}; those that were begun are kept as runs")
    return found, contents, tuple(notes)


def _check_same(plan: Plan, found: Sweep, before: Contents, now: Contents) -> None:
    """Raise RunError where the runs of before are of another recipe or other settings than those to come."""
    try:
        base = tomllib.loads(found.base_path.read_text())
    except (OSError, ValueError) as error:
        raise RunError(f"{found.base_path} cannot be read: {error}") from error
    way_out = "its runs would not compare: give another --name, or delete that sweep's folder and its runs"
    if base != tomllib.loads(plan.base.to_toml()) or before.recipe_name != now.recipe_name:
        raise RunError(f"{found.folder} is a sweep of another recipe, or the recipe has changed since; {way_out}")
    if before.fixed != now.fixed:
        keys = sorted(
            key for key in before.fixed.keys() | now.fixed.keys() if before.fixed.get(key) != now.fixed.get(key)
        )
        raise RunError(f"{found.folder} was begun with other settings for {', '.join(keys)}; {way_out}")
    searches = [replace(one.search, trials=0) if one.search else None for one in (before, now)]
    if searches[0] != searches[1]:
        raise RunError(f"{found.folder} searches otherwise, or for something else; {way_out}")
    if set(before.keys) != set(now.keys):
        raise RunError(f"{found.folder} differs in {', '.join(before.keys)}, not in {', '.join(now.keys)}; {way_out}")


def put_first(sweep: Sweep, settings: Sequence[str]) -> tuple[Contents, int]:
    """Have workers take the jobs with all of these settings, "objective.beta=4", before others; and how many they are.

    Raises RecipeError for what is no setting, RunError where no job has them.
    """
    wanted = read_settings(settings)
    with sweep.being_changed():
        contents = sweep.read()
        highest = max((job.priority for job in contents.jobs), default=0)
        chosen = {
            job.number
            for job in contents.jobs
            if all({**contents.fixed, **job.values}.get(key) == value for key, value in wanted.items())
        }
        if not chosen:
            shown = ", ".join(f"{key} = {value}" for key, value in wanted.items())
            raise RunError(f"no run of {sweep.name} has {shown}; it differs in {', '.join(contents.keys)}")
        jobs = tuple(replace(job, priority=highest + 1) if job.number in chosen else job for job in contents.jobs)
        contents = replace(contents, jobs=jobs)
        sweep.write(contents)
    return contents, len(chosen)
