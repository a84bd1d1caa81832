"""Images that were moved are found by what they are: a folder of photos, a file, or a folder of such files."""

from pathlib import Path

import pytest

from vae_tui.errors import DataError
from vae_tui.runs.images import locate_images


@pytest.mark.parametrize(("kind", "file"), [("npz", "x_train.npy"), ("csv", "train.csv"), ("csv", "train.csv.gz")])
def test_a_moved_folder_of_arrays_or_tables_is_found(tmp_path: Path, kind: str, file: str) -> None:
    (tmp_path / "new" / "set").mkdir(parents=True)
    (tmp_path / "new" / "set" / file).write_bytes(b"")
    gone = str(tmp_path / "old" / "set")
    for data_root in (tmp_path / "new", tmp_path / "new" / "set"):
        assert locate_images([gone], kind, data_root) == str(tmp_path / "new" / "set")
    (tmp_path / "new" / "set" / file).unlink()
    with pytest.raises(DataError, match="old/set is not there, nor under"):
        locate_images([gone], kind, tmp_path / "new")
