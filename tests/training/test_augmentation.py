"""Training images that are moved, cut and coloured at random."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vae_tui.errors import RecipeError
from vae_tui.recipe import DataTable, load_recipe
from vae_tui.training.augmentation import VIEW_DRAWS, vary


def draw_views(count: int) -> Tensor:
    return torch.rand((count, VIEW_DRAWS), generator=torch.Generator().manual_seed(0))


def ramp(height: int = 40, width: int = 60) -> Tensor:
    """An image (1, 2, H, W) whose first channel is 4 times the column, and whose second 6 times the row."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([4 * columns, 6 * rows]).to(torch.uint8)[None]


def test_moving_is_by_whole_pixels_with_the_edges_repeated() -> None:
    images = torch.randint(0, 256, (1, 3, 7, 9), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    padded = torch.nn.functional.pad(images.float(), (2, 2, 2, 2), mode="replicate").to(torch.uint8)
    places = {
        (down, right): padded[0, :, down : down + 7, right : right + 9] for down in range(5) for right in range(5)
    }
    moved = vary(images.expand(3000, -1, -1, -1), draw_views(3000), DataTable(shift=2))
    found = Counter(
        next(place for place, expected in places.items() if torch.equal(image, expected)) for image in moved
    )
    assert found.keys() == places.keys()
    assert min(found.values()) > 70, "of 3,000 images each of 25 ways has some 120"


def test_what_is_black_and_white_stays_so_when_it_is_moved() -> None:
    images = 255 * torch.randint(0, 2, (50, 1, 8, 8), dtype=torch.uint8)
    moved = vary(images, draw_views(50), DataTable(shift=3))
    assert set(moved.unique().tolist()) == {0, 255}
    assert not torch.equal(moved, images)


def test_a_part_is_as_large_as_the_draws_have_it_and_within_the_image() -> None:
    count, crop = 400, 0.5
    views = draw_views(count)
    cut = vary(ramp().expand(count, -1, -1, -1), views, DataTable(crop=crop)).float()
    # Away from the edges a ramp stays one, and its steepness is the part's side.
    across = (cut[:, 0, 20, 45] - cut[:, 0, 20, 15]) / (4 * 30)
    down = (cut[:, 1, 30, 30] - cut[:, 1, 10, 30]) / (6 * 20)
    side = 1 - crop * views[:, 2]
    torch.testing.assert_close(across, side, atol=0.02, rtol=0)
    torch.testing.assert_close(down, side, atol=0.02, rtol=0)
    middle = (cut[:, 0, 20, 29] + cut[:, 0, 20, 30]) / 2 / 4
    farthest = (1 - side) * 30
    off = middle - 29.5
    assert (off.abs() <= farthest + 0.5).all()
    assert off[farthest > 5].min() < -8
    assert off[farthest > 5].max() > 8, "parts are of the left and the right"


def test_a_draw_of_the_whole_and_of_no_change_leaves_an_image_as_it_is() -> None:
    images = torch.randint(0, 256, (4, 3, 9, 9), dtype=torch.uint8)
    views = torch.full((4, VIEW_DRAWS), 0.5)
    views[:, 2] = 0
    table = DataTable(shift=2, crop=0.5, color_jitter=0.4)
    assert (vary(images, views, table).int() - images.int()).abs().max() <= 1, "but for rounding"


@pytest.mark.parametrize("column", [5, 6, 7], ids=["brightness", "contrast", "saturation"])
def test_colours_change_by_their_factors(column: int) -> None:
    image = torch.tensor([100, 50, 150], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, 4, 4).contiguous()
    image[..., 2:] = torch.tensor([120, 80, 160], dtype=torch.uint8).view(3, 1, 1)
    views = torch.full((1, VIEW_DRAWS), 0.5)
    views[:, column] = 1 - 1e-7
    varied = vary(image, views, DataTable(color_jitter=0.2))
    before = image.float()
    means = {5: torch.zeros(1), 6: before.mean(), 7: before.mean(1, keepdim=True)}
    wanted = means[column] + 1.2 * (before - means[column])
    torch.testing.assert_close(varied.float(), wanted.round(), atol=1, rtol=0)
    assert varied[0, :, 0, 0].tolist() != [100, 50, 150]


def test_nothing_goes_beyond_black_and_white_and_grey_stays_grey() -> None:
    images = torch.randint(0, 256, (64, 1, 8, 8), dtype=torch.uint8).expand(-1, 3, -1, -1)
    varied = vary(images, draw_views(64), DataTable(color_jitter=1.0))
    assert varied.dtype == torch.uint8
    assert varied.max() == 255
    assert (varied[:, 0].int() - varied[:, 1].int()).abs().max() <= 1
    edges = torch.tensor([[0, 250], [250, 0]], dtype=torch.uint8).view(1, 1, 2, 2)
    views = torch.full((1, VIEW_DRAWS), 0.5)
    views[:, 5:7] = 1 - 1e-7
    assert vary(edges, views, DataTable(color_jitter=0.5)).flatten().tolist() == [0, 255, 255, 0]


@pytest.mark.parametrize("key", ["crop=0.1", "color_jitter=0.1"])
def test_black_and_white_images_are_not_made_grey(key: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    for table in ('name = "binarized-mnist"', 'binarize = "static"'):
        path.write_text(f"[data]\n{table}\n{key}\n")
        with pytest.raises(RecipeError, match=f"{key.partition('=')[0]}: expected 0 with black and white images"):
            load_recipe(str(path))
    path.write_text(f'[data]\nbinarize = "dynamic"\n{key}\nshift = 2\n')
    assert load_recipe(str(path)).recipe.data.shift == 2
