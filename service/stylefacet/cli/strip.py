"""Draws decoded pictures in rows with captions: a traversal, or the way between two garments.

It knows pictures and texts, and neither the server nor the file they go to. All lengths are
in pixels.
"""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from stylefacet.cli.drawing import (
    CARD,
    FAINT,
    INK,
    PAGE,
    fit_text,
    paste_picture,
    typeface,
    wrap_text,
)

MARGIN = 28
GAP = 8
PICTURE_SIZE = (144, 192)
CAPTION_HEIGHT = 42
HEADING_HEIGHT = 30
TITLE_HEIGHT = 44
SIDE_GAP = 28
# A row longer than this is broken: it would not be read on a screen.
MOST_COLUMNS = 11
_LEAST_WIDTH = 640
_BLANK = "#d0cfca"


@dataclass(frozen=True, slots=True)
class StripFrame:
    """A picture, encoded, with a caption and a fainter line below it; ``marked`` has a frame."""

    picture: bytes
    caption: str
    note: str = ""
    marked: bool = False


@dataclass(frozen=True, slots=True)
class StripRow:
    """Frames in a row, and what stands over its left and its right end."""

    frames: tuple[StripFrame, ...]
    left: str = ""
    right: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """A titled sheet of rows; ``sides`` stand at the left: where it all starts from."""

    title: str
    sides: tuple[StripFrame, ...]
    rows: tuple[StripRow, ...]
    remark: str


def draw_strip(strip: Strip) -> Image.Image:
    """Returns the strip as an RGB picture; its size follows from the number of frames."""
    rows = [part for row in strip.rows for part in _broken(row)]
    columns = max((len(row.frames) for row in rows), default=1)
    # The sides stand below one another where there are rows enough beside them.
    side_columns = len(strip.sides) if len(rows) < len(strip.sides) else min(len(strip.sides), 1)
    width = frame_corner(0, columns, side_columns)[0] - GAP + MARGIN
    width = max(width, _LEAST_WIDTH)
    height = len(rows) * row_height()
    remark = _wrapped_remark(strip.remark, width - 2 * MARGIN)
    canvas = Image.new("RGB", (width, 2 * MARGIN + TITLE_HEIGHT + height + 18 * len(remark)), PAGE)
    draw = ImageDraw.Draw(canvas)
    title = fit_text(draw, strip.title, typeface(24), width - 2 * MARGIN)
    draw.text((MARGIN, MARGIN), title, INK, typeface(24))
    for number, frame in enumerate(strip.sides):
        row, column = (0, number) if side_columns > 1 else (number, 0)
        _draw_frame(canvas, frame_corner(row, column, 0), frame)
    for number, row_of_frames in enumerate(rows):
        for column, frame in enumerate(row_of_frames.frames):
            _draw_frame(canvas, frame_corner(number, column, side_columns), frame)
        _draw_heading(draw, number, row_of_frames, side_columns)
    for number, line in enumerate(remark):
        y = MARGIN + TITLE_HEIGHT + height + 10 + 18 * number
        draw.text((MARGIN, y), line, FAINT, typeface(13))
    return canvas


def row_height() -> int:
    """Returns the height of a row with its heading and its captions."""
    return HEADING_HEIGHT + PICTURE_SIZE[1] + CAPTION_HEIGHT + GAP


def frame_corner(row: int, column: int, side_columns: int) -> tuple[int, int]:
    """Returns the top left corner of a picture, by its row and column counted from 0.

    ``side_columns`` of pictures stand to the left of the rows.
    """
    left = MARGIN + column * (PICTURE_SIZE[0] + GAP)
    if side_columns:
        left += side_columns * (PICTURE_SIZE[0] + GAP) - GAP + SIDE_GAP
    return left, MARGIN + TITLE_HEIGHT + row * row_height() + HEADING_HEIGHT


def _broken(row: StripRow) -> list[StripRow]:
    """Returns a row in parts of a length that can be read."""
    frames = row.frames
    if len(frames) <= MOST_COLUMNS:
        return [row]
    row_count = -(-len(frames) // MOST_COLUMNS)
    length = -(-len(frames) // row_count)
    parts = [frames[i : i + length] for i in range(0, len(frames), length)]
    rows = [StripRow(part) for part in parts]
    rows[0] = StripRow(parts[0], left=row.left)
    rows[-1] = StripRow(parts[-1], right=row.right)
    return rows


def _draw_frame(canvas: Image.Image, corner: tuple[int, int], frame: StripFrame) -> None:
    draw = ImageDraw.Draw(canvas)
    x, y = corner
    w, h = PICTURE_SIZE
    draw.rectangle((x, y, x + w - 1, y + h - 1), CARD)
    paste_picture(canvas, frame.picture, corner, PICTURE_SIZE)
    if frame.marked:
        draw.rectangle((x - 3, y - 3, x + w + 2, y + h + 2), outline=INK, width=3)
    for number, (text, colour, size) in enumerate(
        ((frame.caption, INK, 15), (frame.note, FAINT, 13))
    ):
        line = fit_text(draw, text, typeface(size), w)
        draw.text((x + w / 2, y + h + 14 + 18 * number), line, colour, typeface(size), anchor="mm")


def _draw_heading(draw: ImageDraw.ImageDraw, number: int, row: StripRow, side_columns: int) -> None:
    left, top = frame_corner(number, 0, side_columns)
    right = frame_corner(number, len(row.frames) - 1, side_columns)[0] + PICTURE_SIZE[0]
    y = top - HEADING_HEIGHT / 2 - 3
    room = (right - left) / 2 - 24
    start, end = (fit_text(draw, text, typeface(16), room) for text in (row.left, row.right))
    draw.text((left, y), start, INK, typeface(16), anchor="lm")
    draw.text((right, y), end, INK, typeface(16), anchor="rm")
    if start and end:
        x = left + draw.textlength(start, typeface(16)) + 12
        x_end = right - draw.textlength(end, typeface(16)) - 12
        draw.line((x, y, x_end, y), _BLANK, 2)
        draw.polygon(((x_end, y), (x_end - 8, y - 5), (x_end - 8, y + 5)), _BLANK)


def _wrapped_remark(text: str, room: int) -> list[str]:
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    return wrap_text(draw, text, typeface(13), room, most=6) if text else []
