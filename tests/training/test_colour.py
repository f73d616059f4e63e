"""Colours against their definition."""

import numpy as np
import pytest
import torch

from stylefacet_training.models.colour import lab, soft_histogram


def defined_lab(unit: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of sRGB ``(n, 3)``, by IEC 61966-2-1 and CIE 15."""
    linear = np.where(unit > 0.04045, ((unit + 0.055) / 1.055) ** 2.4, unit / 12.92)
    primaries = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = linear @ primaries.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )


def test_quick_lab_is_near_the_definition():
    # Below 4% of a channel cubic and powers part; garments are not that dark.
    unit = np.random.default_rng(0).uniform(0.1, 1.0, (2_000, 3))

    quick = lab(torch.from_numpy(unit.T[None, :, :, None]).float())[0, :, :, 0].numpy().T

    assert np.abs(quick - defined_lab(unit)).mean() < 1.5


def test_a_plain_colour_falls_on_its_centre():
    centres = torch.tensor([[20.0, 0.0, 0.0], [80.0, 0.0, 0.0], [50.0, 60.0, 0.0]])
    colours = torch.tensor([[52.0], [58.0], [1.0]]).expand(1, 3, 7)

    shares = soft_histogram(colours, torch.full((1, 7), 1 / 7), centres, 5.0)[0]

    assert shares[2] > 0.99
    assert shares.sum().item() == pytest.approx(1.0)
