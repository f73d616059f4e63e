import gzip
import struct

import numpy as np
import pytest

from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet.imaging import decode_png, read_letterbox
from stylefacet_training.evaluation.sets import noise_sample, read_sample


@pytest.fixture
def digits(tmp_path):
    pictures = np.arange(5 * 8 * 6, dtype=np.uint8).reshape(5, 8, 6)
    content = struct.pack(">4I", 0x0803, 5, 8, 6) + pictures.tobytes()
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    return tmp_path, pictures


def test_an_idx_file_is_found_in_its_folder(digits):
    folder, pictures = digits

    sample = read_sample(str(folder), limit=3, seed=0)

    assert (len(sample.contents), sample.available) == (3, 5)
    shown = [decode_png(content)[..., 0].tobytes() for content in sample.contents]
    assert set(shown) <= {picture.tobytes() for picture in pictures}


def test_rows_of_a_table_are_chosen_by_a_column(judged_garments):
    everything = read_sample(str(judged_garments), limit=1000, seed=0)
    some = read_sample(f"{judged_garments}:labels.collar=hood+polo", limit=1000, seed=0)

    assert everything.available == 90
    assert 0 < some.available < 90
    assert set(some.contents) < set(everything.contents)
    assert some.name.endswith(":labels.collar=hood+polo")


def test_the_same_seed_draws_the_same_photos(judged_garments):
    first, again, other = (
        read_sample(str(judged_garments / "images"), limit=5, seed=seed).contents
        for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_noise_reaches_the_encoder_as_it_is():
    sample = noise_sample(2, 64, 48, seed=0)

    pixels = read_letterbox(sample.contents[0], 64, 48).pixels
    assert pixels.shape == (64, 48, 3)
    # Uniform over 0..255: a standard deviation of 73.9.
    assert pixels.std() == pytest.approx(73.9, abs=2.0)


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        ("nowhere", ResourceMissing, "'nowhere' does not exist"),
        (".", InvalidField, "holds no photo"),
        (".:colour=red", ResourceMissing, "asks for a column"),
        ("notes.txt", InvalidField, "no idx file"),
        ("listed:colour", InvalidField, "no COLUMN=VALUE"),
        ("listed:size=3", InvalidField, "no COLUMN=VALUE"),
    ],
)
def test_a_set_that_is_none_is_refused(tmp_path, monkeypatch, where, error, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("not pictures at all")
    (tmp_path / "listed").mkdir()
    (tmp_path / "listed" / "labels.csv").write_text("filename,colour\n")

    with pytest.raises(error, match=words):
        read_sample(where, limit=3, seed=0)
