"""Image sets, read into uint8 tensors: train, validation and test, always apart."""

from vae_tui.data.binarize import as_floats, binarize, draw_bits
from vae_tui.data.load import default_data_root, find_data_root, load_image_sets
from vae_tui.data.progress import Progress
from vae_tui.data.seeds import seed_for
from vae_tui.data.sets import Images, ImageSets

__all__ = [
    "ImageSets",
    "Images",
    "Progress",
    "as_floats",
    "binarize",
    "default_data_root",
    "draw_bits",
    "find_data_root",
    "load_image_sets",
    "seed_for",
]
