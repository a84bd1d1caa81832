import subprocess
import sys

import pytest


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.slow
def test_the_app_never_imports_torch() -> None:
    modules = modules_after(
        "import vae_tui.tui.app, vae_tui.tui.screens.home, vae_tui.tui.screens.walk, vae_tui.tui.widgets.dashboard, vae_tui.runs.history"
    )
    assert not modules & {"torch", "torchvision", "sklearn"}


def test_the_first_paint_waits_for_no_picture_or_chart_library() -> None:
    assert not modules_after("import vae_tui.tui.app") & {"torch", "numpy", "PIL", "plotext"}
