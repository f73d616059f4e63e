"""Two folders of rendered garments with their tables, drawn once for all evaluation tests."""

from pathlib import Path

import pytest

from stylefacet_training.data.garments import write_garments

JUDGED_COUNT, FIT_COUNT = 90, 120


@pytest.fixture(scope="session")
def judged_garments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 90 rendered garments and their labels."""
    return write_garments(tmp_path_factory.mktemp("judged"), JUDGED_COUNT, seed=1).parent


@pytest.fixture(scope="session")
def fit_garments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 120 other garments, under other file names."""
    folder = write_garments(tmp_path_factory.mktemp("fit"), FIT_COUNT, seed=2).parent
    table = folder / "labels.csv"
    table.write_text(table.read_text().replace("g0", "f0"))
    for photo in (folder / "images").iterdir():
        photo.rename(photo.with_name(photo.name.replace("g0", "f0")))
    return folder
