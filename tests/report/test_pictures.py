import io

import numpy as np
from PIL import Image

from stylefacet.report.pictures import choose_size, shrink


def test_largest_size_that_fits_is_taken_for_all():
    packed = {7: ["a" * 100, "b" * 10, "c"], 3: ["a" * 50, "b" * 20, "c"]}
    four = {position: [*sizes, "d"] for position, sizes in packed.items()}

    assert choose_size(four, 150) == {7: "a" * 100, 3: "a" * 50}
    assert choose_size(four, 149) == {7: "b" * 10, 3: "b" * 20}


def test_last_pictures_are_left_out_when_none_fit():
    packed = {position: ["aaa", "aaa", "aaa", "aaa"] for position in (9, 1, 5)}

    assert choose_size(packed, 7) == {9: "aaa", 1: "aaa"}


def test_pictures_shrink_and_never_grow():
    noise = np.random.default_rng(0).integers(0, 255, (256, 192, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    sizes = [len(uri) for uri in shrink(buffer.getvalue())]

    assert sizes == sorted(sizes, reverse=True)
    # Noise packs worst of all; 3,000 such pictures still fit, at the smallest size.
    assert 3000 * sizes[-1] < 12 * 2**20
