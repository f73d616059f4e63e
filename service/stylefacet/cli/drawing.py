"""Draws what all sheets are made of: pictures that fit, text that fits; knows no product.

All lengths are in pixels.
"""

import io

from PIL import Image, ImageDraw, ImageFont, ImageOps

PAGE = "#f6f5f2"
CARD = "#ffffff"
INK = "#1d1d1f"
FAINT = "#8a8a8e"
TRACK = "#e9e8e4"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def paste_picture(
    canvas: Image.Image, content: bytes, corner: tuple[int, int], size: tuple[int, int]
) -> None:
    """Draws a picture scaled to fit; where there is none, says so."""
    if not content:
        draw = ImageDraw.Draw(canvas)
        x, y = corner
        draw.rectangle((x, y, x + size[0] - 1, y + size[1] - 1), TRACK)
        middle = (x + size[0] / 2, y + size[1] / 2)
        draw.text(middle, "no picture kept", FAINT, typeface(14), anchor="mm")
        return
    with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as picture:
        picture.draft("RGB", (2 * size[0], 2 * size[1]))
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    fitted = ImageOps.contain(upright, size, Image.Resampling.LANCZOS)
    x = corner[0] + (size[0] - fitted.width) // 2
    y = corner[1] + (size[1] - fitted.height) // 2
    canvas.paste(fitted, (x, y), fitted)


def fit_text(draw: ImageDraw.ImageDraw, text: str, font: Font, room: float) -> str:
    """Returns the text, its end cut off where it does not fit."""
    if draw.textlength(text, font) <= room:
        return text
    kept = text
    while kept and draw.textlength(f"{kept}...", font) > room:
        kept = kept[:-1]
    return f"{kept.rstrip()}..."


def wrap_text(
    draw: ImageDraw.ImageDraw, text: str, font: Font, room: float, most: int
) -> list[str]:
    """Returns the text in lines that fit, at most ``most`` of them, the last one cut off."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(longer, font) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    kept = lines[:most]
    if len(lines) > most:
        kept[-1] = f"{kept[-1]} {lines[most]}"
    return [fit_text(draw, line, font, room) for line in kept]


def typeface(size_px: int) -> Font:
    """Returns the typeface of all sheets at a size."""
    return ImageFont.load_default(size_px)
