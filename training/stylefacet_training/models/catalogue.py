"""The encoder of product photos: regions of the garment, each with its own latent block.

The garment is found and cut out inside the graph; a frozen trunk sees the whole garment and, closer
up, its neck; linear heads turn the maps of a region into its block of the latent vector. Knows no
data and no loss; catalogue_fit.py finds the heads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from stylefacet.bundle import LatentBlock
from stylefacet_training.models.base import Posterior, VariationalModel
from stylefacet_training.models.colour import lab, soft_histogram
from stylefacet_training.models.cropping import crop_plane, crops
from stylefacet_training.models.garment import Found, find_garment, neck_box, widened
from stylefacet_training.models.linear_gaussian import Head
from stylefacet_training.models.picture_decoder import PictureDecoder
from stylefacet_training.models.trunk import CHANNELS, Trunk

HEIGHT_PX, WIDTH_PX = 256, 192
# Shares of the latent vector, in 96ths. Neck and sleeves need few dimensions; prints and palettes
# lose retrieval below these, as lengths do below the outline's.
BLOCK_SHARES = {"collar": 16, "sleeve": 8, "body": 26, "outline": 12, "palette": 34}
# Sizes in pixels over which the trunk costs 1.9 ms a photo on one core; see training/README.md.
GARMENT_PX, NECK_PX = (112, 80), (80, 80)
MARGIN = 0.03
PALETTE_PX = (32, 24)
COLOUR_COUNT = 96
# Standard deviation, in units of L*a*b*, with which a pixel is shared among colours.
COLOUR_WIDTH = 5.0
# The middle of the box is garment even where it is as white as the background.
MIDDLE_WEIGHT = 0.7
OUTLINE_GRID = (12, 10)
# The silhouette where it lies in the photo, whose frame a shop keeps: so long, so wide.
SILHOUETTE_GRID, SILHOUETTE_STEP = (32, 24), 4
# The middle of the garment, in pixels of PALETTE_PX, and the ranks of its brightest channels that
# tell light from dark: of a print's ground as well as of its motif.
MIDDLE_ROWS, MIDDLE_COLUMNS = slice(8, 28), slice(7, 17)
LIGHTNESS_RANKS = (20, 60, 100, 140, 180)
TAPS = (5, 8)


@dataclass(frozen=True, slots=True)
class Regions:
    """What is cut out of a batch of photos, as planes ``(b, 3, h, w)`` in 0..1.

    ``small`` is the garment once more, for its colours.
    """

    found: Found
    garment: Tensor
    neck: Tensor
    small: Tensor


class CatalogueVae(VariationalModel):
    """Five blocks: collar, sleeve, body, outline, palette."""

    colours: Tensor

    def __init__(self, latent_dims: int, *, cropped: bool = True) -> None:
        """``cropped`` False takes the whole photo for the garment, to see what finding it buys."""
        super().__init__()
        self.cropped = cropped
        self.height_px, self.width_px = HEIGHT_PX, WIDTH_PX
        self.blocks = blocks_of(latent_dims, BLOCK_SHARES)
        self.trunk = Trunk(TAPS)
        self.register_buffer("colours", torch.zeros(COLOUR_COUNT, 3))
        for block in self.blocks:
            size = block.end - block.start
            for name, shape in (
                ("matrix", (feature_counts()[block.name], size)),
                ("offset", (size,)),
                ("logvar", (size,)),
            ):
                self.register_buffer(f"{block.name}_{name}", torch.zeros(shape))
        self.decoder = PictureDecoder(latent_dims, (HEIGHT_PX, WIDTH_PX))

    def set_head(self, block: str, head: Head) -> None:
        """Gives a block its posterior."""
        getattr(self, f"{block}_matrix").copy_(head.mean.matrix)
        getattr(self, f"{block}_offset").copy_(head.mean.offset)
        getattr(self, f"{block}_logvar").copy_(head.logvar)

    def encode(self, pixels: Tensor) -> Posterior:
        """Returns the posterior of pictures ``(b, h, w, 3)`` uint8 RGB."""
        mean = self.means(self.region_features(pixels))
        return Posterior(mean, self.logvar().expand(mean.shape[0], -1))

    def means(self, features: Mapping[str, Tensor]) -> Tensor:
        """Returns the posterior means ``(b, d)`` of what the heads see, ``(b, p)`` by block."""
        parts = []
        for block in self.blocks:
            matrix = getattr(self, f"{block.name}_matrix")
            parts.append(features[block.name] @ matrix + getattr(self, f"{block.name}_offset"))
        return torch.cat(parts, dim=1)

    def logvar(self) -> Tensor:
        """Returns the log-variances ``(d,)``, which are the same for all photos."""
        return torch.cat([getattr(self, f"{block.name}_logvar") for block in self.blocks])

    def decode(self, z: Tensor) -> Tensor:
        """Returns the pictures ``(b, h, w, 3)`` float in 0..1 of latent vectors ``(b, d)``."""
        pictures: Tensor = self.decoder(z)
        return pictures

    def decode_region(self, block: str, z: Tensor) -> Tensor:
        """Returns the neck for the collar, else the garment in the frame of its own box."""
        part = self.decoder.neck(z) if block == "collar" else self.decoder.parts(z)[0]
        return part.permute(0, 2, 3, 1)

    def region_features(self, pixels: Tensor) -> Mapping[str, Tensor]:
        """Returns what each block's head sees of pictures ``(b, h, w, 3)`` uint8, ``(b, p)``."""
        regions = self.regions(pixels)
        # taps at strides 8 and 16: (b, 40, 14, 10), (b, 80, 7, 5) of the garment
        fine, coarse = self.trunk(regions.garment)
        neck_fine, neck_coarse = self.trunk(regions.neck)
        sides = torch.cat([coarse[..., :2], coarse[..., -2:]], dim=3)
        middle = (slice(None), slice(None), slice(1, -1), slice(1, -1))
        body = [
            *_statistics(functional.avg_pool2d(fine, 2)[middle]),
            *_statistics(coarse[middle]),
            *_statistics(functional.avg_pool2d(neck_fine, 2)),
            *_statistics(neck_coarse),
            functional.avg_pool2d(coarse, 2).flatten(1),
            functional.avg_pool2d(neck_coarse, 2).flatten(1),
        ]
        return {
            "collar": torch.cat(
                [neck_coarse.flatten(1), functional.avg_pool2d(neck_fine, 4).flatten(1)], dim=1
            ),
            "sleeve": sides.flatten(1),
            "body": torch.cat(body, dim=1),
            "outline": torch.cat([_geometry(regions.found), silhouettes(regions.found)], dim=1),
            "palette": torch.cat([self.palette(regions), lightness(regions)], dim=1),
            # What no block sees whole; a lever of ablate does.
            "garment": coarse.flatten(1),
        }

    def regions(self, pixels: Tensor) -> Regions:
        """Returns the regions of photos ``(b, h, w, 3)`` uint8."""
        found = self.find(pixels)
        views = [
            (widened(found.box, MARGIN), GARMENT_PX),
            (neck_box(found.box, self.width_px / self.height_px), NECK_PX),
            (found.box, PALETTE_PX),
        ]
        garment, neck, small = (part / 255.0 for part in crops(pixels.permute(0, 3, 1, 2), views))
        return Regions(found, garment, neck, small)

    def find(self, pixels: Tensor) -> Found:
        """Returns the garment in photos ``(b, h, w, 3)`` uint8."""
        found = find_garment(pixels)
        if self.cropped:
            return found
        whole = torch.tensor([0.0, 1.0, 0.0, 1.0], device=pixels.device)
        return Found(found.mask, whole.expand_as(found.box))

    def palette_pixels(self, regions: Regions) -> tuple[Tensor, Tensor]:
        """Returns colours ``(b, 3, p)`` of the garment's pixels and their weights ``(b, p)``."""
        colours = lab(regions.small).flatten(2)
        mask = crop_plane(regions.found.mask, regions.found.box, PALETTE_PX).flatten(1)
        weights = torch.maximum(mask, _middle().to(mask.device))
        return colours, weights / weights.sum(1, keepdim=True)

    def palette(self, regions: Regions) -> Tensor:
        """Returns how much of each colour the garments show, ``(b, k)``."""
        colours, weights = self.palette_pixels(regions)
        shares = soft_histogram(colours, weights, self.colours, COLOUR_WIDTH)
        # Hellinger's map: Euclidean distance of square roots compares shares, not masses.
        return (shares + 1e-6).sqrt()


def feature_counts() -> Mapping[str, int]:
    """Returns how many numbers each block's head sees."""
    c5, c8 = (CHANNELS[tap] for tap in TAPS)
    h, w = GARMENT_PX[0] // 16, GARMENT_PX[1] // 16
    nh, nw = NECK_PX[0] // 16, NECK_PX[1] // 16
    return {
        # pooling leaves an odd last row or column out
        "collar": c8 * nh * nw + c5 * (nh // 2) * (nw // 2),
        "sleeve": c8 * h * 4,
        "body": 6 * (c5 + c8) + c8 * (h // 2) * (w // 2) + c8 * (nh // 2) * (nw // 2),
        "outline": OUTLINE_GRID[0] * OUTLINE_GRID[1] + 6 + SILHOUETTE_GRID[0] * SILHOUETTE_GRID[1],
        "palette": COLOUR_COUNT + len(LIGHTNESS_RANKS),
    }


def blocks_of(latent_dims: int, shares: Mapping[str, int]) -> tuple[LatentBlock, ...]:
    """Returns the blocks that share out ``latent_dims`` dimensions."""
    whole = sum(shares.values())
    blocks, end, share = [], 0, 0
    for name, size in shares.items():
        share += size
        start, end = end, round(latent_dims * share / whole)
        blocks.append(LatentBlock(name, start, end))
    return tuple(blocks)


def _statistics(maps: Tensor) -> Sequence[Tensor]:
    """Returns mean, standard deviation and maximum over space of maps ``(b, c, h, w)``."""
    flat = maps.flatten(2)
    mean = flat.mean(2)
    variance = (flat - mean[:, :, None]).square().mean(2)
    return mean, (variance + 1e-8).sqrt(), flat.amax(2)


def _geometry(found: Found) -> Tensor:
    """Returns the garment's silhouette and box, ``(b, 126)``."""
    silhouette = crop_plane(found.mask, found.box, OUTLINE_GRID).flatten(1)
    box = found.box
    height, width = box[:, 1:2] - box[:, 0:1], box[:, 3:4] - box[:, 2:3]
    return torch.cat([silhouette, box, height, width / height], dim=1)


def silhouettes(found: Found) -> Tensor:
    """Returns the garment's silhouette in the frame of the photo, ``(b, 768)``."""
    return functional.avg_pool2d(found.mask[:, None], SILHOUETTE_STEP).flatten(1)


def lightness(regions: Regions) -> Tensor:
    """Returns from dark to light how bright the garment's middle is, ``(b, 5)`` in 0..1.

    Bright is a pixel's largest channel: the value of HSV.
    """
    bright = regions.small[:, :, MIDDLE_ROWS, MIDDLE_COLUMNS].amax(1).flatten(1)
    ordered = bright.topk(LIGHTNESS_RANKS[-1], dim=1).values  # from light to dark
    return ordered[:, [rank - 1 for rank in reversed(LIGHTNESS_RANKS)]]


def _middle() -> Tensor:
    """Returns the least weights of the palette's pixels, ``(1, p)``."""
    h, w = PALETTE_PX
    y = (torch.arange(h) + 0.5)[:, None] / h
    x = (torch.arange(w) + 0.5)[None, :] / w
    middle = ((x - 0.5).abs() < 0.25) & (y > 0.2) & (y < 0.9)
    return MIDDLE_WEIGHT * middle.to(torch.float32).reshape(1, -1)
