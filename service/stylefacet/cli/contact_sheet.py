"""Draws a search as one picture: the query, its hits, and what each feature adds to a distance.

It knows pictures and numbers, and neither the server nor the file they go to. All lengths are
in pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image, ImageDraw

from stylefacet.cli.drawing import (
    CARD,
    FAINT,
    INK,
    PAGE,
    TRACK,
    fit_text,
    paste_picture,
    typeface,
    wrap_text,
)

# Colours that stay apart for colour-blind eyes: Okabe and Ito, 2008, without black and yellow.
FEATURE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

MARGIN = 28
GAP = 18
PICTURE_SIZE = (192, 256)
QUERY_SIZE = (264, 352)
CARD_PADDING = 10
CAPTION_HEIGHT = 88
CARD_SIZE = (
    PICTURE_SIZE[0] + 2 * CARD_PADDING,
    PICTURE_SIZE[1] + CAPTION_HEIGHT + 2 * CARD_PADDING,
)
PANEL_WIDTH = QUERY_SIZE[0] + 2 * CARD_PADDING
BAR_HEIGHT = 10
LEGEND_LINE = 24
# Columns for up to so many hits; more than a screenful gets more columns, not a longer page.
FEW_HITS, FEW_COLUMNS, MANY_COLUMNS = 30, 5, 8

_NOTE = (
    "Numbers and bars are squared distances: 1 is two products drawn at random, 0 the same. "
    "Colours are what each feature adds."
)


@dataclass(frozen=True, slots=True)
class SheetQuery:
    """What was searched by; ``picture`` is any encoded picture, or empty."""

    picture: bytes
    name: str
    product_id: str


@dataclass(frozen=True, slots=True)
class SheetHit:
    """One hit; ``contributions`` by feature add up to ``squared_distance``."""

    picture: bytes
    name: str
    product_id: str
    squared_distance: float
    contributions: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """A search and its hits, nearest first."""

    query: SheetQuery
    title: str
    weights: Mapping[str, float]
    hits: tuple[SheetHit, ...]


def draw_contact_sheet(sheet: ContactSheet) -> Image.Image:
    """Returns the sheet as an RGB picture; its size follows from the number of hits."""
    columns, rows = grid_shape(len(sheet.hits))
    features = _features(sheet)
    panel_height = QUERY_SIZE[1] + CAPTION_HEIGHT + 150 + LEGEND_LINE * len(features)
    grid_height = rows * CARD_SIZE[1] + (rows - 1) * GAP
    width = 2 * MARGIN + PANEL_WIDTH + GAP + columns * (CARD_SIZE[0] + GAP) - GAP
    height = 2 * MARGIN + max(panel_height, grid_height)
    canvas = Image.new("RGB", (width, height), PAGE)
    colours = {name: FEATURE_COLOURS[i % len(FEATURE_COLOURS)] for i, name in enumerate(features)}
    _draw_query(canvas, sheet, colours)
    longest = max((hit.squared_distance for hit in sheet.hits), default=0.0)
    for position, hit in enumerate(sheet.hits):
        _draw_hit(canvas, card_corner(position, columns), position + 1, hit, colours, longest)
    if not sheet.hits:
        corner = card_corner(0, columns)
        ImageDraw.Draw(canvas).text(corner, "Nothing found.", FAINT, typeface(18))
    return canvas


def grid_shape(hit_count: int) -> tuple[int, int]:
    """Returns the columns and rows that a number of hits is laid out in."""
    columns = FEW_COLUMNS if hit_count <= FEW_HITS else MANY_COLUMNS
    columns = max(1, min(columns, hit_count))
    return columns, max(1, -(-hit_count // columns))


def card_corner(position: int, columns: int) -> tuple[int, int]:
    """Returns the top left corner of a hit's card, by its position counted from 0."""
    row, column = divmod(position, columns)
    left = MARGIN + PANEL_WIDTH + GAP + column * (CARD_SIZE[0] + GAP)
    return left, MARGIN + row * (CARD_SIZE[1] + GAP)


def _features(sheet: ContactSheet) -> list[str]:
    names = [name for name, weight in sheet.weights.items() if weight > 0]
    names += [name for hit in sheet.hits for name, _ in hit.contributions]
    return list(dict.fromkeys(names))


def _draw_query(canvas: Image.Image, sheet: ContactSheet, colours: Mapping[str, str]) -> None:
    draw = ImageDraw.Draw(canvas)
    left, y = MARGIN, MARGIN
    for line in wrap_text(draw, sheet.title, typeface(26), PANEL_WIDTH, most=2):
        draw.text((left, y), line, INK, typeface(26))
        y += 32
    y += 10
    bottom = y + QUERY_SIZE[1] + 2 * CARD_PADDING
    draw.rounded_rectangle((left, y, left + PANEL_WIDTH, bottom), 8, CARD, INK, 2)
    paste_picture(canvas, sheet.query.picture, (left + CARD_PADDING, y + CARD_PADDING), QUERY_SIZE)
    y = bottom + 10
    for line in wrap_text(draw, f"Query: {sheet.query.name}", typeface(17), PANEL_WIDTH, most=2):
        draw.text((left, y), line, INK, typeface(17))
        y += 22
    if sheet.query.product_id:
        draw.text(
            (left, y),
            fit_text(draw, sheet.query.product_id, typeface(14), PANEL_WIDTH),
            FAINT,
            typeface(14),
        )
    y += 30
    for name, colour in colours.items():
        draw.rounded_rectangle((left, y + 3, left + 14, y + 17), 3, colour)
        weight = f"  weight {sheet.weights[name]:g}" if name in sheet.weights else ""
        draw.text(
            (left + 22, y), fit_text(draw, f"{name}{weight}", typeface(15), 240), INK, typeface(15)
        )
        y += LEGEND_LINE
    for line in wrap_text(draw, _NOTE, typeface(13), PANEL_WIDTH, most=4):
        draw.text((left, y + 4), line, FAINT, typeface(13))
        y += 17


def _draw_hit(
    canvas: Image.Image,
    corner: tuple[int, int],
    rank: int,
    hit: SheetHit,
    colours: Mapping[str, str],
    longest: float,
) -> None:
    draw = ImageDraw.Draw(canvas)
    left, top = corner
    draw.rounded_rectangle((left, top, left + CARD_SIZE[0], top + CARD_SIZE[1]), 8, CARD)
    paste_picture(canvas, hit.picture, (left + CARD_PADDING, top + CARD_PADDING), PICTURE_SIZE)
    _draw_rank(draw, (left + 4, top + 4), rank)
    x, y = left + CARD_PADDING, top + CARD_PADDING + PICTURE_SIZE[1] + 8
    room = PICTURE_SIZE[0]
    for number, line in enumerate(wrap_text(draw, hit.name, typeface(14), room, most=2)):
        draw.text((x, y + 18 * number), line, INK, typeface(14))
    distance = f"{hit.squared_distance:.3f}"
    distance_width = draw.textlength(distance, typeface(14))
    draw.text((x + room - distance_width, y + 40), distance, INK, typeface(14))
    own_room = room - distance_width - 8
    draw.text(
        (x, y + 40), fit_text(draw, hit.product_id, typeface(13), own_room), FAINT, typeface(13)
    )
    _draw_bar(draw, (x, y + 66), hit, colours, longest)


def _draw_rank(draw: ImageDraw.ImageDraw, corner: tuple[int, int], rank: int) -> None:
    font = typeface(14)
    text = str(rank)
    width = max(26, int(draw.textlength(text, font)) + 14)
    x, y = corner
    draw.rounded_rectangle((x, y, x + width, y + 24), 12, INK)
    draw.text((x + width / 2, y + 12), text, CARD, font, anchor="mm")


def _draw_bar(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    hit: SheetHit,
    colours: Mapping[str, str],
    longest: float,
) -> None:
    x, y = corner
    room = PICTURE_SIZE[0]
    draw.rectangle((x, y, x + room - 1, y + BAR_HEIGHT - 1), TRACK)
    if longest <= 0:
        return
    sum_before = 0.0
    for name, contribution in hit.contributions:
        start = x + round(room * sum_before / longest)
        sum_before += contribution
        end = x + round(room * sum_before / longest)
        if end > start:
            draw.rectangle((start, y, min(end, x + room) - 1, y + BAR_HEIGHT - 1), colours[name])
