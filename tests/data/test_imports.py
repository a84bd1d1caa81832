import subprocess
import sys

import pytest


@pytest.mark.slow
def test_importing_the_data_layer_leaves_heavy_libraries_alone() -> None:
    code = (
        "import sys, vae_tui.data\n"
        "heavy = {'torchvision', 'sklearn', 'scipy', 'textual', 'typer'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
