"""Image sets, as uint8 tensors or streamed: train, validation and test, always apart."""

from vae_tui.data.binarize import as_floats, binarize, draw_bits
from vae_tui.data.load import default_data_root, find_data_root, load_image_sets
from vae_tui.data.progress import Progress
from vae_tui.data.seeds import seed_for
from vae_tui.data.sets import ImageSets, PackedImages, hide_labels
from vae_tui.data.streamed import AnyPixels, in_slices, read_all

__all__ = [
    "AnyPixels",
    "ImageSets",
    "PackedImages",
    "Progress",
    "as_floats",
    "binarize",
    "default_data_root",
    "draw_bits",
    "find_data_root",
    "hide_labels",
    "in_slices",
    "load_image_sets",
    "read_all",
    "seed_for",
]
