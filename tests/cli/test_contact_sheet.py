import io
from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from stylefacet.cli.contact_sheet import (
    CARD_PADDING,
    FEATURE_COLOURS,
    PICTURE_SIZE,
    ContactSheet,
    SheetHit,
    SheetQuery,
    card_corner,
    draw_contact_sheet,
    grid_shape,
)
from stylefacet.cli.drawing import CARD


def png(colour: str, size: tuple[int, int] = (48, 64)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def hit(squared_distance: float, **changes: object) -> SheetHit:
    contributions = (("collar", squared_distance * 0.75), ("sleeve", squared_distance * 0.25))
    made = SheetHit(png("#ff0000"), "Red shirt", "p1", squared_distance, contributions)
    return replace(made, **changes)  # type: ignore[arg-type]  # changes of any field


def sheet(*hits: SheetHit) -> ContactSheet:
    weights = {"collar": 1.0, "sleeve": 0.5}
    return ContactSheet(SheetQuery(png("#00ff00"), "Query", "p0"), "Alike", weights, hits)


def colours_in(picture: Image.Image, box: tuple[int, int, int, int]) -> dict[str, int]:
    part = picture.crop(box)
    levels = part.tobytes()
    return Counter(f"#{levels[i : i + 3].hex()}" for i in range(0, len(levels), 3))


@pytest.mark.parametrize(
    ("count", "shape"), [(0, (1, 1)), (3, (3, 1)), (10, (5, 2)), (30, (5, 6)), (31, (8, 4))]
)
def test_hits_are_laid_out_in_a_grid(count: int, shape: tuple[int, int]):
    assert grid_shape(count) == shape


def test_every_hit_has_its_picture_in_its_place():
    picture = draw_contact_sheet(sheet(*(hit(0.1 * n) for n in range(1, 8))))

    for position in range(7):
        left, top = card_corner(position, columns=5)
        left, top = left + CARD_PADDING, top + CARD_PADDING
        inside = (left + 40, top + 40, left + PICTURE_SIZE[0], top + PICTURE_SIZE[1])
        assert dict(colours_in(picture, inside)) == {
            "#ff0000": (PICTURE_SIZE[0] - 40) * (PICTURE_SIZE[1] - 40)
        }
    corner = card_corner(7, columns=5)
    assert picture.getpixel(corner) != Image.new("RGB", (1, 1), CARD).getpixel((0, 0))


def test_bar_is_as_long_as_the_distance_and_parted_by_feature():
    picture = draw_contact_sheet(sheet(hit(0.5), hit(1.0)))

    lengths = []
    for position in range(2):
        left, top = card_corner(position, columns=2)
        bottom = top + PICTURE_SIZE[1]
        found = colours_in(picture, (left, bottom, left + PICTURE_SIZE[0] + 20, bottom + 108))
        lengths.append([found.get(colour, 0) // 10 for colour in FEATURE_COLOURS[:2]])

    assert lengths == [[72, 24], [144, 48]]


def test_query_and_legend_stand_at_the_left():
    picture = draw_contact_sheet(sheet(hit(1.0)))

    found = colours_in(picture, (0, 0, card_corner(0, 1)[0] - 1, picture.height))

    assert found["#00ff00"] > 50_000
    assert all(found.get(colour, 0) > 100 for colour in FEATURE_COLOURS[:2])


@pytest.mark.parametrize(
    "odd",
    [
        hit(0.0),
        hit(1.0, picture=b""),
        hit(1.0, name="A name without end " * 20, product_id="x" * 128),
        hit(1.0, name=""),
        hit(1.0, picture=png("#ff0000", (900, 3))),
    ],
    ids=["same", "no picture", "long names", "no name", "flat picture"],
)
def test_odd_hits_leave_the_layout_as_it_is(odd: SheetHit):
    usual = draw_contact_sheet(sheet(hit(1.0)))

    assert draw_contact_sheet(sheet(odd)).size == usual.size


def test_nothing_found_is_still_a_sheet():
    assert draw_contact_sheet(sheet()).width > 300
