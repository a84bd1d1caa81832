"""Weights averaged after training, as `evaluate --ema-width` has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vae_tui.cli.outfiles import check_out, write_beside
from vae_tui.cli.output import say
from vae_tui.errors import VaeTuiError

if TYPE_CHECKING:
    from vae_tui.evaluation.widths import ChosenWidth
    from vae_tui.runs.layout import Run


def average_weights(
    source: str | None, runs_dir: Path, wanted: str, *, out: Path | None, data_root: Path | None, device: str
) -> ChosenWidth:
    """Average the weights of the run that is meant over the width that is `wanted`, "auto" for the best, and write them to `out`.

    Raises VaeTuiError for what is no width, and where there is no run, no averages or no images.
    """
    if out is not None:
        check_out(out, (".safetensors",))
    from vae_tui.evaluation.widths import WIDTHS, choose_width
    from vae_tui.headless import StageProgress

    widths = WIDTHS if wanted == "auto" else (_as_width(wanted),)
    run, until = _find_run(source, runs_dir)
    say(f"averaging the weights of {run.path}")
    stages = StageProgress()
    try:
        chosen = choose_width(run, widths, until=until, data_root=data_root, device=device, progress=stages.update)
    finally:
        stages.close()
    if len(widths) > 1:
        say(f"chosen: width {chosen.averaged.width:g}, whose -ELBO of validation images is the lowest")
    if out is not None:
        write_beside(out, chosen.encode())
        say(f"wrote {out}")
    return chosen


def _as_width(text: str) -> float:
    from vae_tui.evaluation.averages import WIDEST, power_of

    try:
        width = float(text)
        power_of(width)
    except (ValueError, VaeTuiError):
        raise VaeTuiError(f"--ema-width {text}: expected more than 0 and at most {WIDEST}, or auto") from None
    return width


def _find_run(source: str | None, runs_dir: Path) -> tuple[Run, int | None]:
    """The run that is meant, and, of a file in its folder, the step up to which; raises VaeTuiError where there is none."""
    from vae_tui.runs.files import user_path
    from vae_tui.runs.find import find_run
    from vae_tui.runs.layout import Run, run_folder, step_in_name

    path = None if source is None else user_path(source)
    if path is None or not path.is_file():
        return find_run(source, runs_dir), None
    run, step = Run(run_folder(path)), step_in_name(path)
    if step is None or not (run.has_recipe or run.has_log):
        raise VaeTuiError(
            f"{path} is no step-*.safetensors in the folder of a run, and --ema-width averages the weights of one: name a run"
        )
    return run, step
