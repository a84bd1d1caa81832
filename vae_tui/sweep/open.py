"""From a plan to the sweep's folder: a new one, or one begun before, whose list of jobs then follows the plan."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from vae_tui.errors import RunError
from vae_tui.runs.lock import lock_holder
from vae_tui.sweep.folder import Contents, Sweep, add_jobs, find_sweep, make_sweep
from vae_tui.sweep.plan import Plan, run_names
from vae_tui.wording import counted


def open_sweep(plan: Plan, runs_dir: Path, *, threads: int = 1) -> tuple[Sweep, Contents, tuple[str, ...]]:
    """The sweep of a plan, what it consists of, and sentences on what has changed in it.

    What the recipe leaves to a trial at the start of a run is decided for all runs, `threads` each and not compiled: trials of
    runs that train at the same time would disturb each other, and a run that is begun anew is to come to the same bits.
    Raises RunError where there is another sweep of its name.
    """
    decided: dict[str, Any] = {"train.threads": threads, "train.compile": False}
    fixed = plan.fixed | {
        key: value
        for key, value in decided.items()
        if key not in plan.keys and plan.fixed.get(key, plan.base.value(key)) == "auto"
    }
    jobs = list(zip(plan.runs, run_names(plan), strict=True))
    contents, added, _ = add_jobs(Contents(plan.base_name, fixed, plan.keys, (), plan.search), jobs)
    found = find_sweep(f"sweep:{plan.name}", runs_dir)
    if found is None:
        return make_sweep(runs_dir, plan.name, plan.base.to_toml(), contents), contents, ()
    with found.being_changed():
        before = found.read()
        contents = replace(
            contents, fixed=fixed | {key: before.fixed.get(key) for key in fixed.keys() - plan.fixed.keys()}
        )
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
