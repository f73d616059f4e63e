"""What a larger network sees in larger pictures of a garment: the targets of reconstruction.

It is used while the encoder is trained and never shipped. Knows no head and no data.
"""

from collections.abc import Mapping

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn import functional

from stylefacet_training.models.cropping import crops
from stylefacet_training.models.garment import neck_box, widened
from stylefacet_training.models.trunk import Trunk, imagenet_weights

GARMENT_PX, NECK_PX = (224, 192), (128, 128)
BLOCK = 11


class Teacher(nn.Module):
    """EfficientNet-lite0 with its published weights, on the garment and on its neck."""

    def __init__(self) -> None:
        super().__init__()
        self.middle = Trunk((BLOCK,))
        self.middle.load_imagenet()
        self.top = Top()

    @torch.no_grad()
    def forward(self, pixels: Tensor, box: Tensor) -> Mapping[str, Tensor]:
        """Returns features by view, ``(b, t)``, of photos ``(b, h, w, 3)`` uint8.

        ``box`` ``(b, 4)`` says where the garment is.
        """
        aspect = pixels.shape[2] / pixels.shape[1]
        views = [(widened(box, 0.03), GARMENT_PX), (neck_box(box, aspect), NECK_PX)]
        cut = crops(pixels.permute(0, 3, 1, 2), views)
        garment, neck = (self.middle(part / 255.0)[0] for part in cut)
        flat = garment.flatten(2)
        top = self.top(garment).flatten(2)
        return {
            "garment": functional.adaptive_avg_pool2d(garment, (4, 3)).flatten(1),
            "garment_statistics": torch.cat([flat.mean(2), flat.std(2)], dim=1),
            "garment_top": torch.cat([top.mean(2), top.amax(2)], dim=1),
            "neck": functional.adaptive_avg_pool2d(neck, (4, 4)).flatten(1),
        }


class Top(nn.Module):
    """The layers of EfficientNet-lite0 after those of the teacher's middle."""

    def __init__(self) -> None:
        super().__init__()
        network = EfficientNet.from_name("efficientnet-lite0").eval()
        # The package's own loader prints to standard output, which is the caller's.
        network.load_state_dict(imagenet_weights())
        self.blocks = nn.Sequential(*list(network._blocks)[BLOCK:])
        self.head, self.norm = network._conv_head, network._bn1

    def forward(self, maps: Tensor) -> Tensor:
        """Returns the last maps ``(b, 1280, h', w')``."""
        return functional.relu6(self.norm(self.head(self.blocks(maps))))
