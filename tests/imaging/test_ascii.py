import numpy as np

from vae_tui.imaging.ascii import render_ascii


def test_brighter_pixels_get_more_ink() -> None:
    pixels = np.linspace(0, 255, 10).astype(np.uint8).reshape(1, 10, 1).repeat(2, axis=0)
    ((segment,),) = render_ascii(pixels)
    assert segment.text == " .:-=+*#%@"
    assert segment.style is not None, "what removes colours from a screen asks for it"
    assert not segment.style


def test_a_character_stands_for_two_pixels_one_above_the_other() -> None:
    pixels = np.zeros((4, 3, 3), np.uint8)
    pixels[0, 1] = pixels[1, 1] = 255
    assert [row[0].text for row in render_ascii(pixels)] == [" @ ", "   "]


def test_an_odd_last_row_counts_half() -> None:
    rows = render_ascii(np.full((1, 2, 1), 255, np.uint8))
    assert [row[0].text for row in rows] == ["++"]
