"""Whether encoders trained alike from other seeds find the same dimensions; reads no label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stylefacet.bundle import Bundle
from stylefacet.errors import InvalidField
from stylefacet.inference import Encoder
from stylefacet_training.data.sources import read_pictures
from stylefacet_training.evaluation.representations import Codes, embed_all
from stylefacet_training.metrics.active_units import active_units
from stylefacet_training.metrics.ground_truth import Matrix
from stylefacet_training.metrics.udr import udr
from stylefacet_training.terminal import Terminal

WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Figures a bundle, in their order, by block and over the whole code.

    ``udr`` is each bundle's median agreement with the others, 0..1 (metrics/udr.py);
    ``subspace`` the mean share of variance of its block that the others' same block explains by a
    linear map: 1 where they span the same space, whatever axes they chose.
    """

    bundle_ids: Sequence[str]
    photo_count: int
    size: Mapping[str, int]
    active_count: Mapping[str, Sequence[int]]
    udr: Mapping[str, Sequence[float]]
    subspace: Mapping[str, Sequence[float]]


def agreement(bundles: Sequence[Bundle], data: str, *, limit: int, terminal: Terminal) -> Agreement:
    """Returns how far bundles agree on at most ``limit`` photos of ``data``.

    Raises:
        InvalidField: for fewer than two bundles, or such as have other blocks or input sizes.
    """
    if len(bundles) < 2:
        raise InvalidField("bundle", "name two or more, trained alike from other seeds")
    first = bundles[0].manifest
    shapes = {
        (b.manifest.blocks, b.manifest.input_height_px, b.manifest.input_width_px) for b in bundles
    }
    if len(shapes) > 1:
        raise InvalidField("bundle", "all must have the same blocks and input size")
    with terminal.bar("reading photos") as advance:
        pixels = read_pictures(
            (data,), first.input_height_px, first.input_width_px, advance=advance
        ).pixels
    pixels = pixels[np.linspace(0, len(pixels) - 1, min(limit, len(pixels)), dtype=int)]
    codes = []
    for bundle in bundles:
        with terminal.bar(bundle.manifest.name) as advance:
            codes.append(embed_all(Encoder(bundle), pixels, advance).mean)
    ranges = {block.name: (block.start, block.end) for block in first.blocks}
    if len(ranges) > 1:
        ranges[WHOLE] = (0, first.latent_dimension_count)
    parts = {name: [code[:, a:b] for code in codes] for name, (a, b) in ranges.items()}
    active = {name: [active_units(code) for code in own] for name, own in parts.items()}
    return Agreement(
        bundle_ids=[bundle.id for bundle in bundles],
        photo_count=len(pixels),
        size={name: b - a for name, (a, b) in ranges.items()},
        active_count={name: [units.count for units in found] for name, found in active.items()},
        udr={
            name: udr(own, [units.active for units in active[name]]).scores.tolist()
            for name, own in parts.items()
        },
        subspace={name: _subspaces(own) for name, own in parts.items()},
    )


def _subspaces(codes: Sequence[Codes]) -> Sequence[float]:
    wide = [code.astype(np.float64) - code.mean(axis=0, dtype=np.float64) for code in codes]
    return [
        float(np.mean([_explained(mine, other) for other in wide if other is not mine]))
        for mine in wide
    ]


def _explained(mine: Matrix, other: Matrix) -> float:
    """Returns the share of the variance of ``mine`` ``(n, d)`` that is linear in ``other``."""
    solved, *_ = np.linalg.lstsq(other, mine, rcond=1e-6)
    return 1.0 - float(np.square(mine - other @ solved).sum() / np.square(mine).sum())
