"""Finds the heads of the catalogue encoder and trains its decoder; reads no label.

The heads are solved for, not stepped towards (models/linear_gaussian.py): the frozen trunk is run
once over the training photos and copies of them, the teacher once over the photos, and every block
has its optimum in closed form. What train.py's epochs train is the decoder of pictures, which sees
samples of the posterior and so learns no more than the latent vector says.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from stylefacet_training.config import TrainConfig
from stylefacet_training.data.pictures import PictureSet, split_by_group
from stylefacet_training.losses import Batch, Losses, latent_loss
from stylefacet_training.models import linear_gaussian as closed
from stylefacet_training.models import picture_decoder
from stylefacet_training.models.base import Posterior
from stylefacet_training.models.catalogue import (
    CatalogueVae,
    feature_counts,
    lightness,
    silhouettes,
)
from stylefacet_training.models.cropping import crop, crop_plane
from stylefacet_training.models.garment import Found, widened
from stylefacet_training.models.teacher import Teacher
from stylefacet_training.runs import write_atomically
from stylefacet_training.terminal import Terminal

# Photos looked at together. On a CPU larger batches are slower: their maps are large enough for the
# allocator to hand them back to the system after every layer (97 against 66 ms a photo).
BATCH_SIZE, GPU_BATCH_SIZE = 8, 64
# Principal components: of what a head sees, of what the teacher says of a region.
SEEN_COUNT, TAUGHT_COUNT = 400, 160
# Of the predicted teacher, in which products are told apart.
SHARED_COUNT = 150
# Photos from which a random trunk takes the scales of its layers.
CALIBRATION_COUNT = 128
# Colours for k-means: pixels a photo, passes.
_PIXELS_PER_PHOTO, _MEANS_PASSES = 40, 20
# Of the squared error of a patch's colour.
COLOUR_WEIGHT = 8.0
# Where the lesser side of the box is a larger share of the photo, no garment was found.
FOUND_SHARE = 0.9
_CPU = torch.device("cpu")

Features = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """How a block's head is found.

    ``seen`` are the regions whose features it sees, ``taught`` the teacher's views that it
    reconstructs; ``shared`` says whether it keeps only what pictures of one product have in common;
    ``floor`` is that of the whitener.
    """

    seen: tuple[str, ...]
    taught: tuple[str, ...]
    shared: bool = False
    floor: float = 1e-3


# The palette has no teacher: it reconstructs itself. A print is no property of the product, for
# colourways differ in it; so the body shares nothing.
PLANS: Mapping[str, HeadPlan] = {
    "collar": HeadPlan(("collar",), ("neck",), shared=True),
    "sleeve": HeadPlan(("sleeve",), ("garment",), shared=True),
    "body": HeadPlan(("body",), ("garment_statistics", "garment_top")),
    # Corners are empty in a clean catalogue: a logo there must not count a hundredfold.
    "outline": HeadPlan(("outline",), ("garment", "silhouette"), shared=True, floor=1.0),
    "palette": HeadPlan(("palette",), ()),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the heads are found from.

    ``features`` are what the heads see, ``(m, n, p)`` by block, of ``n`` photos and of ``m - 1``
    copies of each; ``taught`` is what the teacher says of the photos, ``(n, t)`` by view;
    ``groups`` ``(n,)`` says which photos show one product.
    """

    features: Features
    taught: Features
    groups: Tensor

    def of(self, photos: Tensor) -> "Seen":
        """Returns the same of some photos alone."""
        return Seen(
            {name: rows[:, photos].float() for name, rows in self.features.items()},
            {name: rows[photos].float() for name, rows in self.taught.items()},
            self.groups[photos],
        )


def solve_head(plan: HeadPlan, seen: Seen, count: int, config: TrainConfig) -> closed.Head:
    """Returns the head of one block, in ``count`` dimensions."""
    views = torch.cat([seen.features[name] for name in plan.seen], dim=2)
    photos = views[0]
    if not plan.taught:
        return closed.principal_head(photos, count, config.beta)
    white = closed.whitener(photos, SEEN_COUNT, plan.floor)
    target = white(photos)
    if config.perceptual:
        parts = [seen.taught[name] for name in plan.taught]
        target = torch.cat([closed.principal_components(t, TAUGHT_COUNT) for t in parts], dim=1)
        white = white.then(closed.prediction(white(photos), target))
    predicted = white(photos)
    if not (plan.shared and config.shared):
        return _after(white, closed.reconstruction_head(predicted, target, count, config.beta))
    both = white.then(closed.whitener(predicted, SHARED_COUNT))
    rows, groups = both(views.flatten(0, 1)), seen.groups.repeat(len(views))
    return _after(both, closed.shared_head(rows, groups, count, config.beta))


def _after(first: closed.Affine, head: closed.Head) -> closed.Head:
    return closed.Head(first.then(head.mean), head.logvar)


def fit_heads(model: CatalogueVae, config: TrainConfig, seen: Seen, training: Tensor) -> None:
    """Gives the model the heads of its blocks, found from the photos at ``training``."""
    torch.manual_seed(config.seed)  # the randomised decompositions
    part = seen.of(training)
    for block in model.blocks:
        size = block.end - block.start
        model.set_head(block.name, solve_head(PLANS[block.name], part, size, config))


def prepare_trunk(model: CatalogueVae, config: TrainConfig, pictures: PictureSet) -> None:
    """Gives the trunk its weights: the published ones, or random ones where none are wanted."""
    if config.imagenet:
        model.trunk.load_imagenet()
        return
    count = min(CALIBRATION_COUNT, len(pictures))
    sample = torch.from_numpy(pictures.pixels[np.linspace(0, len(pictures) - 1, count, dtype=int)])
    model.trunk.randomise(config.seed, model.regions(sample).garment)


@torch.no_grad()
def look(
    model: CatalogueVae,
    pictures: PictureSet,
    config: TrainConfig,
    device: torch.device,
    *,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Seen:
    """Returns what trunk and teacher say of photos and of copies of them, on the CPU."""
    generator = torch.Generator().manual_seed(config.seed)
    teacher = Teacher().to(device) if config.perceptual else None
    features: list[Features] = []
    taught: list[Features] = []
    done = 0
    for pixels in _batches(pictures, device):
        copies = [pixels]
        if config.shared:
            copies += [pixels.flip(2), recoloured(pixels, generator)]
        seen = model.region_features(torch.cat(copies).to(device))
        count = len(copies)
        features.append({name: _stored(x).view(count, len(pixels), -1) for name, x in seen.items()})
        if teacher is not None:
            photos = pixels.to(device)
            found = model.find(photos)
            views = {**teacher(photos, found.box), "silhouette": silhouettes(found)}
            taught.append({name: _stored(x) for name, x in views.items()})
        done += len(pixels)
        advance(done, len(pictures))
    _, groups = np.unique(np.array(pictures.groups), return_inverse=True)
    return Seen(
        {name: torch.cat([row[name] for row in features], dim=1) for name in features[0]},
        {name: torch.cat([row[name] for row in taught]) for name in (taught or [{}])[0]},
        torch.from_numpy(groups.astype(np.int64)),
    )


def _stored(features: Tensor) -> Tensor:
    """Returns features in the precision that thousands of photos are kept in."""
    return features.half().cpu()


def _batches(pictures: PictureSet, device: torch.device = _CPU) -> Iterator[Tensor]:
    size = BATCH_SIZE if device.type == "cpu" else GPU_BATCH_SIZE
    for start in range(0, len(pictures), size):
        yield torch.from_numpy(pictures.pixels[start : start + size])


def recoloured(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Returns photos ``(n, h, w, 3)`` uint8 in other colours: channels swapped, gamma changed.

    White stays white, so that the background stays one.
    """
    n = len(pixels)
    order = torch.stack([torch.randperm(3, generator=generator) for _ in range(n)])
    swapped = pixels.gather(3, order[:, None, None].expand(pixels.shape))
    gamma = torch.empty(n).uniform_(-0.6, 0.6, generator=generator).exp()
    table = (torch.arange(256) / 255.0)[None] ** gamma[:, None] * 255.0
    levels = table.round().to(torch.uint8)
    flat = swapped.reshape(n, -1).to(torch.int64)
    return levels.gather(1, flat).reshape(pixels.shape)


@torch.no_grad()
def colour_centres(model: CatalogueVae, pictures: PictureSet, generator: torch.Generator) -> Tensor:
    """Returns k-means centres ``(k, 3)`` of the garments' colours in L*a*b*."""
    drawn = []
    for batch in _batches(pictures):
        colours, weights = model.palette_pixels(model.regions(batch))
        chosen = torch.multinomial(weights, _PIXELS_PER_PHOTO, True, generator=generator)
        drawn.append(colours.gather(2, chosen[:, None].expand(-1, 3, -1)).transpose(1, 2))
    points = torch.cat(drawn).reshape(-1, 3)
    k = len(model.colours)
    centres = points[torch.randperm(len(points), generator=generator)[:k]]
    for _ in range(_MEANS_PASSES):
        nearest = torch.cat(
            [torch.cdist(part, centres).argmin(1) for part in torch.split(points, 8192)]
        )
        sizes = torch.bincount(nearest, minlength=k)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        centres = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
    return centres


@torch.no_grad()
def palette_features(model: CatalogueVae, pictures: PictureSet) -> Tensor:
    """Returns what the palette's head sees of all pictures, ``(n, k)``."""
    rows = []
    for batch in _batches(pictures):
        regions = model.regions(batch)
        rows.append(torch.cat([model.palette(regions), lightness(regions)], dim=1))
    return torch.cat(rows)


@dataclass(frozen=True, slots=True)
class DecoderObjective:
    """Absolute error of the decoded garment, of its edges and of its box; the encoder stands still.

    Absolute error alone draws the median of what a code may show, which is grey: the colour of
    patches counts squared, whose best guess is their mean.

    ``mean`` and ``logvar`` are ``(n, d)`` and ``(d,)``; ``garments`` are uint8 pictures
    ``(n, 3, h, w)`` on a plain ground, ``boxes`` ``(n, 4)`` and ``found`` ``(n,)``, a row a photo.
    A photo whose garment was not found shows a floor or a bed: it teaches nothing.
    """

    model: CatalogueVae
    mean: Tensor
    logvar: Tensor
    garments: Tensor
    boxes: Tensor
    found: Tensor

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""
        at = batch.index.to(self.mean.device)
        posterior = Posterior(self.mean[at], self.logvar.expand(len(at), -1))
        taught = self.found[at]
        garment, box = self.model.decoder.parts(posterior.sample()[taught])
        target = self.garments[at[taught]] / 255.0
        parts = {
            "garment": _distance(garment, target),
            "colour": COLOUR_WEIGHT
            * (_coarse(garment) - _coarse(target)).square().sum()
            / max(_coarse(target).numel(), 1),
            "edges": _distance(garment.diff(dim=2), target.diff(dim=2))
            + _distance(garment.diff(dim=3), target.diff(dim=3)),
            "box": _distance(box, self.boxes[at[taught]]),
        }
        generation = torch.stack(list(parts.values())).sum()
        return Losses(generation, generation, latent_loss(posterior).mean(0), parts)


def _coarse(pictures: Tensor) -> Tensor:
    """Returns the mean colours ``(b, 3, h/8, w/8)`` of patches."""
    return functional.avg_pool2d(pictures, 8)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """Returns the mean absolute difference, 0 where there is nothing to compare."""
    return (one - other).abs().sum() / max(one.numel(), 1)


@torch.no_grad()
def build_objective(
    config: TrainConfig,
    model: CatalogueVae,
    pictures: PictureSet,
    device: torch.device,
    cache: Path,
    terminal: Terminal,
) -> DecoderObjective:
    """Finds the heads, encodes all pictures once and returns what trains the decoder."""
    model.eval()
    prepare_trunk(model, config, pictures)
    seen = _looked(config, model, pictures, device, cache / "looks.pt", terminal)
    split = split_by_group(pictures.groups, config.validation_share, config.seed)
    fit_heads(model.cpu(), config, seen, torch.from_numpy(split.training))
    mean = model.means({b.name: seen.features[b.name][0].float() for b in model.blocks})
    model.to(device)
    garments, boxes = [], []
    for batch in _batches(pictures, device):
        batch = batch.to(device)
        found = model.find(batch)
        garments.append(_on_plain_ground(batch, found))
        boxes.append(found.box)
    box = torch.cat(boxes)
    smaller = torch.minimum(box[:, 1] - box[:, 0], box[:, 3] - box[:, 2]) < FOUND_SHARE
    return DecoderObjective(
        model, mean.to(device), model.logvar(), torch.cat(garments), box, smaller
    )


def _on_plain_ground(pixels: Tensor, found: Found) -> Tensor:
    """Returns garments ``(b, 3, h, w)`` uint8 as the decoder draws them, of ``(b, h, w, 3)``."""
    frame = widened(found.box, picture_decoder.MARGIN)
    garment = crop(pixels.permute(0, 3, 1, 2), frame, picture_decoder.GARMENT_PX)
    mask = crop_plane(found.mask, frame, picture_decoder.GARMENT_PX)[:, None]
    ground = picture_decoder.BACKGROUND * 255.0
    return (ground + mask * (garment - ground)).round().to(torch.uint8)


def _looked(
    config: TrainConfig,
    model: CatalogueVae,
    pictures: PictureSet,
    device: torch.device,
    cached: Path,
    terminal: Terminal,
) -> Seen:
    """Returns what is seen in the pictures, from the cache where it is of the same run."""
    key = json.dumps([pictures.names, pictures.groups, config.cropped, config.shared])
    key += json.dumps([config.perceptual, config.imagenet, config.seed, feature_counts()])
    if cached.is_file():
        content = torch.load(cached, map_location="cpu", weights_only=True)
        if content["key"] == key:
            model.colours.copy_(content["colours"])
            return Seen(content["features"], content["taught"], content["groups"])
    model.cpu()
    generator = torch.Generator().manual_seed(config.seed)
    model.colours.copy_(colour_centres(model, pictures, generator))
    with terminal.bar("looking at photos") as advance:
        seen = look(model.to(device), pictures, config, device, advance=advance)
    content = {
        "key": key,
        "colours": model.colours.cpu(),
        "features": dict(seen.features),
        "taught": dict(seen.taught),
        "groups": seen.groups,
    }
    write_atomically(cached, lambda file: torch.save(content, file))
    return seen
