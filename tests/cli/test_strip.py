import io

import pytest
from PIL import Image

from stylefacet.cli.strip import (
    MOST_COLUMNS,
    PICTURE_SIZE,
    Strip,
    StripFrame,
    StripRow,
    draw_strip,
    frame_corner,
    row_height,
)


def frame(colour: str, caption: str = "+1.00") -> StripFrame:
    buffer = io.BytesIO()
    Image.new("RGB", (48, 64), colour).save(buffer, "PNG")
    return StripFrame(buffer.getvalue(), caption, "+2.0 sd")


def middle_of(picture: Image.Image, row: int, column: int, side_columns: int) -> tuple[int, ...]:
    x, y = frame_corner(row, column, side_columns)
    found = picture.getpixel((x + PICTURE_SIZE[0] // 2, y + PICTURE_SIZE[1] // 2))
    assert isinstance(found, tuple)
    return found


def test_every_frame_has_its_picture_in_its_place():
    rows = (
        StripRow((frame("#ff0000"), frame("#00ff00")), "low", "high"),
        StripRow((frame("#0000ff"),)),
    )

    picture = draw_strip(Strip("Sleeve", (frame("#ffff00"),), rows, ""))

    assert middle_of(picture, 0, 0, 1) == (255, 0, 0)
    assert middle_of(picture, 0, 1, 1) == (0, 255, 0)
    assert middle_of(picture, 1, 0, 1) == (0, 0, 255)
    side = frame_corner(0, 0, 0)
    assert picture.getpixel((side[0] + 72, side[1] + 96)) == (255, 255, 0)


def test_two_sides_stand_beside_a_single_row():
    sides = (frame("#ffff00"), frame("#00ffff"))

    beside = draw_strip(Strip("Neck", sides, (StripRow((frame("#ff0000"),)),), ""))
    below = draw_strip(Strip("Neck", sides, (StripRow((frame("#ff0000"),)),) * 2, ""))

    assert middle_of(beside, 0, 1, 0) == (0, 255, 255)
    assert middle_of(beside, 0, 0, 2) == (255, 0, 0)
    assert middle_of(below, 1, 0, 0) == (0, 255, 255)
    assert middle_of(below, 0, 0, 1) == (255, 0, 0)


def test_long_row_is_broken_into_rows_of_one_length():
    frames = tuple(frame("#ff0000") for _ in range(MOST_COLUMNS + 1))
    half = (MOST_COLUMNS + 1) // 2

    whole = draw_strip(Strip("Neck", (), (StripRow(frames[:half]),), ""))
    broken = draw_strip(Strip("Neck", (), (StripRow(frames),), ""))

    assert broken.width == whole.width
    assert broken.height == whole.height + row_height()
    assert middle_of(broken, 1, half - 1, 0) == (255, 0, 0)


@pytest.mark.parametrize(
    "odd",
    [StripFrame(b"", "no picture"), frame("#ff0000", "a caption without end " * 9)],
    ids=["no picture", "long caption"],
)
def test_odd_frame_leaves_the_layout_as_it_is(odd: StripFrame):
    usual = draw_strip(Strip("Neck", (), (StripRow((frame("#ff0000"),)),), "why"))

    assert draw_strip(Strip("Neck", (), (StripRow((odd,)),), "why")).size == usual.size
