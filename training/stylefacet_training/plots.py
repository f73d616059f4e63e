"""Draws what a model has learned as labelled PNG pictures; trains and measures nothing."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps

from stylefacet_training.models.base import VariationalModel
from stylefacet_training.runs import Population, write_atomically
from stylefacet_training.traversals import (
    QUANTILES,
    BlockMove,
    block_encounters,
    block_moves,
    coloured,
    decode_codes,
)

Picture = npt.NDArray[np.uint8]

# Values a traversed latent dimension takes, in standard deviations of the prior.
TRAVERSAL_VALUES = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
# Dimensions shown at most; those that vary most over the photos come first.
TRAVERSAL_ROWS = 24
SAMPLE_ROWS, SAMPLE_COLUMNS = 4, 10
# Small pictures are enlarged to at least this height, large ones reduced to at most that.
MIN_HEIGHT_PX, MAX_HEIGHT_PX = 96, 160
GAP_PX = 4
FONT_PX = 13
INK, PAPER = (40, 40, 40), (255, 255, 255)


def write_plots(
    folder: Path, model: VariationalModel, population: Population, *, seed: int
) -> Sequence[Path]:
    """Writes all plots of a trained model as PNG and returns their paths."""
    pictures = dict(draw_plots(model, population.mean, seed=seed))
    if len(population.examples) >= 2:
        pictures["reconstructions.png"] = reconstructions(model, population.examples)
    paths = []
    for name, content in pictures.items():
        write_atomically(folder / name, _writer(content))
        paths.append(folder / name)
    return paths


def draw_plots(
    model: VariationalModel, mean: npt.NDArray[np.float32], *, seed: int
) -> Mapping[str, bytes]:
    """Returns the plots that show no photo, by file name, as PNG.

    ``mean`` holds the latent means ``(n, d)`` of the training photos.
    """
    moved = traversal if len(model.blocks) == 1 else block_traversal
    return {"traversal.png": moved(model, mean), "samples.png": samples(model, seed=seed)}


def traversal(model: VariationalModel, mean: npt.NDArray[np.float32]) -> bytes:
    """Returns a PNG with a row a latent dimension and a column a value of it.

    The other dimensions stay at the mean of the training photos. Rows are ordered by how much the
    dimension varies over those photos, block by block.
    """
    spread = mean.std(axis=0)
    shown = sorted(np.argsort(-spread, kind="stable")[:TRAVERSAL_ROWS].tolist())
    labels, rows = [], []
    for block in model.blocks:
        inside = [i for i in shown if block.start <= i < block.end]
        for i in sorted(inside, key=lambda i: -spread[i]):
            codes = np.tile(mean.mean(axis=0), (len(TRAVERSAL_VALUES), 1))
            codes[:, i] = TRAVERSAL_VALUES
            rows.append(list(decode_codes(model, codes)))
            labels.append(f"{block.name} {i - block.start}\nsd {spread[i]:.2f}")
    left_out = model.latent_dims - len(shown)
    title = "One latent dimension moved at a time, the others at the mean of the training photos"
    if left_out:
        title += f" ({left_out} that vary less left out)"
    return sheet(title, rows, labels, [f"{value:g}" for value in TRAVERSAL_VALUES])


def block_traversal(model: VariationalModel, mean: npt.NDArray[np.float32]) -> bytes:
    """Returns a PNG of one garment whose blocks are exchanged for those of others, one at a time.

    A row shows the block's own region, or the whole garment with it, from one end to the other of
    a direction in which the garments of the training photos differ.
    """
    title = "One garment; in each row one block goes through what other garments have there"
    return _move_sheet(title, block_moves(model, mean))


def encounters(model: VariationalModel, mean: npt.NDArray[np.float32], garments: Picture) -> bytes:
    """Returns a PNG of the same ways as garments ``(m, h, w, 3)`` that lie on them."""
    title = (
        "In each row one block moves: the garments met there, alike in all else as far as can be"
    )
    return _move_sheet(title, block_encounters(model, mean, garments))


def _move_sheet(title: str, moves: Sequence[BlockMove]) -> bytes:
    return sheet(
        title,
        [list(move.pictures) for move in moves],
        [f"{move.block} {move.number}\n{move.view}" for move in moves],
        [f"{share:.0%}" for share in QUANTILES],
    )


def reconstructions(
    model: VariationalModel, photos: Picture, what: str = "Held-out photos"
) -> bytes:
    """Returns a PNG with a row a pair of photos ``(m, h, w, 3)`` and their average in the middle.

    The average is decoded from the mean of the two latent means. Source: thesis, figure 5.1.
    """
    device = next(model.parameters()).device
    with torch.no_grad():
        codes = model.encode(torch.from_numpy(photos).to(device)).mean.cpu().numpy()
    rows = []
    photos = coloured(photos)
    for a, b in zip(range(0, len(photos) - 1, 2), range(1, len(photos), 2), strict=True):
        one, middle, other = decode_codes(
            model, np.stack([codes[a], (codes[a] + codes[b]) / 2, codes[b]])
        )
        rows.append([photos[a], one, middle, other, photos[b]])
    columns = ["photo", "decoded", "average", "decoded", "photo"]
    return sheet(
        f"{what}, decoded, and the average of two",
        rows,
        [f"pair {i + 1}" for i in range(len(rows))],
        columns,
    )


def samples(model: VariationalModel, *, seed: int) -> bytes:
    """Returns a PNG of pictures decoded from random draws of the prior N(0, I)."""
    rng = np.random.default_rng(seed)
    codes = rng.standard_normal((SAMPLE_ROWS * SAMPLE_COLUMNS, model.latent_dims))
    pictures = list(decode_codes(model, codes))
    rows = [pictures[i : i + SAMPLE_COLUMNS] for i in range(0, len(pictures), SAMPLE_COLUMNS)]
    return sheet("Decoded from random latent vectors, N(0, I)", rows, [""] * len(rows), [])


def sheet(
    title: str,
    rows: Sequence[Sequence[Picture]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
) -> bytes:
    """Returns a PNG of pictures in rows, under a title, with labels.

    All are drawn at the height of the first; those of another shape are fitted into its place.
    """
    font = ImageFont.load_default(FONT_PX)
    height_px, width_px = rows[0][0].shape[:2]
    factor = min(max(height_px, MIN_HEIGHT_PX), MAX_HEIGHT_PX) / height_px
    cell_h, cell_w = round(height_px * factor) + GAP_PX, round(width_px * factor) + GAP_PX
    lines = [line for label in row_labels for line in label.split("\n")]
    left = round(max((font.getlength(line) for line in lines), default=0)) + 2 * GAP_PX
    top = 2 * FONT_PX + (2 * FONT_PX if column_labels else 0)
    across = max(len(row) for row in rows) * cell_w
    page_w = max(left + across, round(font.getlength(title)) + 2 * GAP_PX) + GAP_PX
    page = Image.new("RGB", (page_w, top + len(rows) * cell_h), PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((GAP_PX, FONT_PX // 2), title, INK, font)
    for x, label in enumerate(column_labels):
        centre = left + x * cell_w + (cell_w - GAP_PX) // 2
        draw.text((centre, top - FONT_PX // 2), label, INK, font, anchor="ms")
    for y, (row, label) in enumerate(zip(rows, row_labels, strict=True)):
        draw.text((GAP_PX, top + y * cell_h + cell_h // 2), label, INK, font, anchor="lm")
        for x, pixels in enumerate(row):
            size = (cell_w - GAP_PX, cell_h - GAP_PX)
            picture = ImageOps.contain(Image.fromarray(pixels), size, Image.Resampling.BICUBIC)
            across_px = (size[0] - picture.width) // 2
            page.paste(picture, (left + x * cell_w + across_px, top + y * cell_h))
    buffer = io.BytesIO()
    page.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _writer(content: bytes) -> Callable[[BinaryIO], object]:
    return lambda file: file.write(content)
