"""Draws groups of products below one another, with what holds each together; knows no server.

All lengths are in pixels.
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
GAP = 14
PICTURE_SIZE = (144, 192)
CAPTION_HEIGHT = 44
HEADING_HEIGHT = 56
TITLE_HEIGHT = 78
# Cards in a row: as many as the largest group has, within these.
LEAST_COLUMNS, COLUMNS = 4, 8
_CARD_SIZE = (PICTURE_SIZE[0], PICTURE_SIZE[1] + CAPTION_HEIGHT)


@dataclass(frozen=True, slots=True)
class GroupCard:
    """A product of a group; ``picture`` is any encoded picture, or empty."""

    picture: bytes
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group: its heading, what its products have in common, and some of them."""

    heading: str
    explanation: str
    cards: tuple[GroupCard, ...]


def draw_groups(title: str, remark: str, groups: tuple[GroupRow, ...]) -> Image.Image:
    """Returns a sheet of groups as an RGB picture, as long as it takes."""
    largest = max((len(group.cards) for group in groups), default=0)
    columns = min(max(largest, LEAST_COLUMNS), COLUMNS)
    width = 2 * MARGIN + columns * (_CARD_SIZE[0] + GAP) - GAP
    heights = [group_height(len(group.cards)) for group in groups]
    canvas = Image.new("RGB", (width, 2 * MARGIN + TITLE_HEIGHT + sum(heights)), PAGE)
    draw = ImageDraw.Draw(canvas)
    room = width - 2 * MARGIN
    draw.text((MARGIN, MARGIN), fit_text(draw, title, typeface(24), room), INK, typeface(24))
    for number, line in enumerate(wrap_text(draw, remark, typeface(14), room, most=2)):
        draw.text((MARGIN, MARGIN + 34 + 18 * number), line, FAINT, typeface(14))
    top = MARGIN + TITLE_HEIGHT
    for group, height in zip(groups, heights, strict=True):
        _draw_group(canvas, top, group)
        top += height
    return canvas


def group_height(card_count: int) -> int:
    """Returns how much of the sheet a group takes up."""
    rows = max(1, -(-card_count // COLUMNS))
    return HEADING_HEIGHT + rows * (_CARD_SIZE[1] + GAP) + GAP


def _draw_group(canvas: Image.Image, top: int, group: GroupRow) -> None:
    draw = ImageDraw.Draw(canvas)
    room = canvas.width - 2 * MARGIN
    draw.text((MARGIN, top), fit_text(draw, group.heading, typeface(18), room), INK, typeface(18))
    explanation = fit_text(draw, group.explanation, typeface(14), room)
    draw.text((MARGIN, top + 26), explanation, FAINT, typeface(14))
    for number, card in enumerate(group.cards):
        row, column = divmod(number, COLUMNS)
        x = MARGIN + column * (_CARD_SIZE[0] + GAP)
        y = top + HEADING_HEIGHT + row * (_CARD_SIZE[1] + GAP)
        draw.rectangle((x, y, x + _CARD_SIZE[0] - 1, y + _CARD_SIZE[1] - 1), CARD)
        paste_picture(canvas, card.picture, (x, y), PICTURE_SIZE)
        for line, (text, colour, size) in enumerate(((card.name, INK, 14), (card.note, FAINT, 12))):
            fitted = fit_text(draw, text, typeface(size), _CARD_SIZE[0] - 12)
            draw.text((x + 6, y + PICTURE_SIZE[1] + 5 + 19 * line), fitted, colour, typeface(size))
