"""What a walk does among the codes of the test images: classes lit up, the nearest image, ways to images of a class."""

from __future__ import annotations

import numpy as np
import pytest
from fake_decoder import draw
from walking import Walking

from vae_tui.walk.messages import EncodeTestImages, ShowTestImage
from vae_tui.walk.plane import Codes
from vae_tui.walk.views.scatter import Dots


@pytest.fixture
def among_codes(walking: Walking) -> Walking:
    walking.session.view.show("scatter")
    walking.deliver()
    walking.sent()
    return walking


def codes_of(walking: Walking) -> Codes:
    codes = walking.walk.scene.codes
    assert codes is not None
    return codes


def dots_of(walking: Walking) -> Dots:
    dots = walking.walk.views.scatter.dots(walking.walk.scene)
    assert dots is not None
    return dots


def shown_image(walking: Walking) -> tuple[int, str]:
    """The number and the class of the test image that is seen."""
    shown = walking.walk.views.scatter.nearest.shown
    assert shown is not None
    return shown.index, shown.class_name


def test_a_class_is_lit_up_by_its_name_and_all_are_again(among_codes: Walking) -> None:
    view = among_codes.session.view
    assert dots_of(among_codes).lit is None
    view.light("RI")
    assert dots_of(among_codes).lit == 1
    assert among_codes.notice == "class ring: 30 of 90 codes"
    view.light_all()
    assert dots_of(among_codes).lit is None
    view.light("sneaker")
    assert "there is no class 'sneaker'" in among_codes.notice
    assert dots_of(among_codes).lit is None


def test_one_class_after_the_other_is_lit_up_and_then_all(among_codes: Walking) -> None:
    found = []
    for _ in range(5):
        among_codes.session.view.light_next()
        found.append(dots_of(among_codes).lit)
    assert found == [0, 1, 2, None, 0]


def test_a_class_stays_lit_up_in_other_planes_and_other_weights(among_codes: Walking) -> None:
    session = among_codes.session
    session.view.light("spot")
    session.view.vary()
    among_codes.deliver()
    assert dots_of(among_codes).lit == 2
    opened = among_codes.walk.opened
    assert opened is not None
    among_codes.walk.enter(opened)
    among_codes.deliver()
    assert dots_of(among_codes).lit == 2


def test_from_another_view_it_says_where_the_codes_are(walking: Walking) -> None:
    walking.session.view.light("ring")
    assert walking.notice == "class ring; 5 shows the codes"


def test_images_without_classes_have_none_to_light_up(walking: Walking, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = walking.decoders[-1]
    monkeypatch.setattr("fake_decoder.CLASSES", ())
    decoder.labels = np.full(90, -1)
    walking.session.view.show("scatter")
    walking.deliver()
    walking.session.view.light_next()
    assert walking.notice == "the classes of these images are not known"
    assert dots_of(walking).lit is None
    assert walking.walk.views.scatter.captions(walking.walk.scene)[1].startswith("near test ")
    walking.session.place.go_to("next:ring")
    walking.deliver()
    assert "these images have no classes" in walking.notice


def test_the_image_of_the_nearest_code_is_shown(among_codes: Walking) -> None:
    codes = codes_of(among_codes)
    among_codes.walk.go(codes.means[17] + np.float32(1e-3))
    among_codes.deliver()
    assert among_codes.sent(ShowTestImage) == [ShowTestImage(17)]
    shown = among_codes.walk.views.scatter.nearest.shown
    assert shown is not None
    assert (shown.index, shown.class_name) == (17, "spot")
    np.testing.assert_array_equal(shown.pixels, draw(codes.means[17:18])[0])
    assert among_codes.walk.views.scatter.captions(among_codes.walk.scene)[1] == "near test 17 (spot)"
    among_codes.walk.go(codes.means[17])
    among_codes.deliver()
    assert among_codes.sent(ShowTestImage) == [], "it is shown already"


def test_other_views_ask_for_no_image(among_codes: Walking) -> None:
    among_codes.session.view.show("image")
    among_codes.walk.go(codes_of(among_codes).means[17])
    among_codes.deliver()
    assert among_codes.sent(ShowTestImage) == []


def test_the_image_pointed_at_is_shown_until_one_moves(among_codes: Walking) -> None:
    view, codes, points = among_codes.session.view, codes_of(among_codes), dots_of(among_codes).points
    among_codes.walk.go(codes.means[17])
    among_codes.deliver()
    spot = float(points[40, 0]), float(points[40, 1])
    assert view.point_at(spot)
    among_codes.deliver()
    assert shown_image(among_codes) == (40, "ring")
    assert not view.point_at(spot), "nothing is to be drawn anew"
    np.testing.assert_array_equal(among_codes.z, codes.means[17])
    assert view.point_at(None)
    among_codes.deliver()
    assert shown_image(among_codes) == (17, "spot")
    view.point_at(spot)
    among_codes.walk.go(codes.means[5])
    among_codes.deliver()
    assert shown_image(among_codes) == (5, "spot")


def test_of_a_class_that_is_lit_up_only_its_own_codes_are_pointed_at(among_codes: Walking) -> None:
    view, points = among_codes.session.view, dots_of(among_codes).points
    view.light("circle")
    view.point_at((float(points[40, 0]), float(points[40, 1])))
    among_codes.deliver()
    assert shown_image(among_codes)[1] == "circle"


def test_one_goes_from_image_to_image_of_a_class(among_codes: Walking) -> None:
    place, codes = among_codes.session.place, codes_of(among_codes)
    among_codes.walk.go(codes.means[4])
    for expected in (6, 9, 12):
        place.go_to("next:circle")
        among_codes.deliver()
        np.testing.assert_array_equal(among_codes.z, codes.means[expected])
        assert among_codes.notice == f"here: test {expected} (circle)"
    among_codes.walk.go(codes.means[89])
    place.go_to("next:ring")
    np.testing.assert_array_equal(among_codes.z, codes.means[1], err_msg="from the first again")
    place.go_to("next:sneaker")
    assert "there is no class 'sneaker'" in among_codes.notice


def test_images_that_share_a_code_are_gone_through_too(walking: Walking) -> None:
    """As those of a quantised model do."""
    walking.decoders[-1].codes[:12] = walking.decoders[-1].codes[0]
    walking.session.view.show("scatter")
    walking.deliver()
    walking.walk.go(codes_of(walking).means[0])
    found = []
    for _ in range(5):
        walking.session.place.go_to("next:ring")
        found.append(walking.notice)
    assert found == [f"here: test {index} (ring)" for index in (1, 4, 7, 10, 13)]


def test_the_way_to_an_image_waits_for_the_codes(walking: Walking) -> None:
    walking.session.place.go_to("next:ring")
    assert len(walking.sent(EncodeTestImages)) == 1
    walking.deliver()
    assert walking.notice.startswith("here: test ")
    np.testing.assert_array_equal(walking.z, codes_of(walking).means[int(walking.notice.split()[2])])


@pytest.mark.parametrize(
    ("typed", "repeated"), [("class:ring", "next:ring"), ("class:ring:3", "next:ring"), ("next:ring", "next:ring")]
)
def test_what_goes_on_to_the_next_image_is_known(walking: Walking, typed: str, repeated: str) -> None:
    walking.session.place.go_to(typed)
    assert walking.session.place.repeated == repeated
    walking.session.place.go_to("A - B")
    assert walking.session.place.repeated == repeated


def test_a_class_without_images_has_no_next_one() -> None:
    codes = Codes(np.zeros((3, 2), np.float32), np.array([0, 0, 2]), ["a", "b", "c"])
    assert codes.next_of(1, 0) is None
    assert [codes.next_of(0, after) for after in (0, 1, 2)] == [1, 0, 0]
    assert codes.next_of(2, 2) == 2
