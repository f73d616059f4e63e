"""A few hundred damaged images; ``python -m tests.endurance.fuzz_images`` tries 50,000."""

from tests.endurance.fuzz_images import fuzz, make_seeds, outcome


def test_whole_images_are_read_or_refused_by_their_kind():
    told = {name: outcome(content) for name, content in make_seeds().items()}

    assert {name for name, end in told.items() if end == "ImageTooLarge"} == {"png bomb"}
    foreign = {name for name, end in told.items() if end == "ImageUndecodable"}
    assert foreign == {"gif", "gif animated", "tiff", "tiff of frames", "bmp"}


def test_damaged_images_end_in_a_picture_or_a_clear_error():
    outcomes = fuzz(count=300, seed=1)

    assert outcomes["read"] > 20
    assert outcomes["ImageUndecodable"] > 100
