import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylefacet_training.data import garments
from stylefacet_training.data.factor import FactorKind
from stylefacet_training.data.garments import COLLARS, FACTORS, PATTERNS, GarmentFactors
from stylefacet_training.data.garments.catalogue import COLUMNS, sleeve_name


def draw(count: int, seed: int = 3) -> GarmentFactors:
    return garments.sample_factors(count, np.random.default_rng(seed))


def studio(**values: float) -> GarmentFactors:
    """Return one plain long-sleeved garment, hung straight, with some values set."""
    plain = {
        "sleeve_length": 0.9,
        "collar": COLLARS.index("crew"),
        "pattern": PATTERNS.index("plain"),
        "contrast_sleeves": 0,
        "contrast_trim": 0,
        "body_length": 0.6,
        "flare": 0.0,
        "shift_x": 0.0,
        "shift_y": 0.0,
        "scale": 1.0,
        "rotation": 0.0,
        "pocket": 0,
        "hem": 0,
        "saturation": 0.5,
        "pattern_saturation": 0.7,
        "value": 0.7,
    }
    one = draw(1)
    values = plain | values
    columns = {name: np.full_like(getattr(one, name), value) for name, value in values.items()}
    return replace(one, **columns)


def read_rows(manifest: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(manifest.read_text(encoding="utf-8").splitlines()))


def changed(before: GarmentFactors, after: GarmentFactors) -> np.ndarray:
    """Return `(256, 192)` the largest change of any channel."""
    pictures = garments.render(before)[0].astype(int), garments.render(after)[0].astype(int)
    difference: np.ndarray = np.abs(pictures[0] - pictures[1]).max(axis=2)
    return difference


def test_equal_seeds_draw_equal_pictures():
    assert np.array_equal(garments.render(draw(6)), garments.render(draw(6)))


def test_other_seeds_draw_other_garments():
    assert not np.array_equal(draw(6, seed=1).matrix(), draw(6, seed=2).matrix())


def test_a_picture_does_not_depend_on_its_neighbours():
    factors = draw(5)
    assert np.array_equal(garments.render(factors)[3], garments.render(factors.take([3]))[0])


def test_pictures_have_the_size_asked_for():
    assert garments.render(draw(2), height=96, width=64).shape == (2, 96, 64, 3)


def test_factors_are_drawn_independently():
    correlation = np.corrcoef(draw(20_000).matrix(), rowvar=False)
    # Five standard deviations of the correlation of 20,000 independent pairs.
    assert np.abs(correlation - np.eye(len(FACTORS))).max() < 5 / np.sqrt(20_000)


def test_factors_lie_in_their_ranges():
    matrix = draw(2_000).matrix()
    high = [s.high if s.kind is not FactorKind.CATEGORICAL else len(s.values) - 1 for s in FACTORS]
    assert (matrix >= [spec.low for spec in FACTORS]).all()
    assert (matrix <= high).all()


def test_factors_survive_the_way_through_a_matrix():
    factors = draw(9)
    back = garments.factors_from_matrix(factors.matrix(), np.random.default_rng(0))
    assert np.array_equal(back.matrix(), factors.matrix())


def test_a_matrix_of_another_width_is_rejected():
    with pytest.raises(ValueError, match="factor values"):
        garments.factors_from_matrix(np.zeros((2, 3)), np.random.default_rng(0))


def test_observations_share_factors_and_differ_in_the_studio():
    rng = np.random.default_rng(0)
    factors = studio()
    one = garments.sample_observations_from_factors(factors, rng)
    two = garments.sample_observations_from_factors(factors, rng)
    assert not np.array_equal(one, two)
    assert np.array_equal(garments.sample_nuisances(factors, rng).matrix(), factors.matrix())


@pytest.mark.parametrize("spec", FACTORS, ids=lambda spec: spec.name)
def test_every_factor_shows_in_the_picture(spec):
    low, high = (0.2, 0.75) if not spec.values else (0, len(spec.values) - 1)
    pattern = {} if spec.name == "pattern" else {"pattern": PATTERNS.index("stripes")}
    difference = changed(
        studio(**pattern | {spec.name: low}), studio(**pattern | {spec.name: high})
    )
    assert (difference > 20).sum() > 60


@pytest.mark.parametrize("collar", [c for c in COLLARS if c not in ("crew", "shirt_collar")])
def test_the_collar_leaves_the_hem_as_it_is(collar):
    difference = changed(studio(), studio(collar=COLLARS.index(collar)))
    assert difference[60:100].max() > 20 or difference[:60].max() > 20
    # One grey level may come of the collar's silhouette in the soft light.
    assert difference[160:].max() <= 1


def test_a_shirts_placket_leaves_the_hems_sides_as_they_are():
    difference = changed(studio(), studio(collar=COLLARS.index("shirt_collar")))
    assert difference[160:, :84].max() <= 1
    assert difference[160:, 108:].max() <= 1


def test_sleeve_length_leaves_the_middle_of_the_body_as_it_is():
    difference = changed(studio(sleeve_length=0.3), studio(sleeve_length=0.9))
    # Below row 185 lies the background with the sleeves' shadow.
    assert difference[60:185, 82:110].max() <= 1


def test_the_garments_hue_leaves_the_background_as_it_is():
    difference = changed(studio(hue=0.1), studio(hue=0.6))
    assert difference[:, :4].max() == 0


def test_sleeves_of_every_length_grow_without_a_jump():
    lengths = np.linspace(0, 1, 51)
    rows = [studio(sleeve_length=length) for length in lengths]
    cover = [(garments.render(row)[0].min(axis=2) < 190).sum() for row in rows]
    assert np.abs(np.diff(cover)).max() < 400


def test_edges_are_anti_aliased():
    dark = studio(value=0.15, saturation=0.0, shadow=0.0, background_value=1.0, vignette=0.0)
    row = garments.render(dark)[0, 150, :, 1].astype(int)
    edges = np.flatnonzero(np.abs(np.diff(row)) > 40)
    between = (row > 80) & (row < 200)
    assert len(edges) > 0
    assert 0 < between.sum() <= 12


def test_the_folder_holds_a_picture_and_a_row_for_each_garment(tmp_path: Path):
    seen: list[int] = []
    manifest = garments.write_garments(tmp_path, 5, seed=11, progress=seen.append)
    rows = read_rows(manifest)
    assert sum(seen) == len(rows) == 5
    assert tuple(rows[0]) == COLUMNS
    with Image.open(tmp_path / rows[4]["image"]) as picture:
        assert picture.size == (192, 256)
    assert rows[0]["image"] == f"images/{rows[0]['filename']}"


def test_factors_are_stored_beside_the_pictures(tmp_path: Path):
    manifest = garments.write_garments(tmp_path, 4, seed=11)
    rows = read_rows(manifest)
    factors = garments.sample_factors(4, np.random.default_rng(11))
    assert [float(row["numbers.sleeve_length"]) for row in rows] == factors.sleeve_length.tolist()
    assert [row["labels.collar"] for row in rows] == [COLLARS[c] for c in factors.collar]


def test_colourways_share_a_style_and_differ_in_colour(tmp_path: Path):
    manifest = garments.write_garments(tmp_path, 6, seed=2, colourways=3)
    rows = read_rows(manifest)
    assert [row["product_code"] for row in rows] == ["s000001"] * 3 + ["s000002"] * 3
    assert len({row["numbers.sleeve_length"] for row in rows}) == 2
    assert len({row["numbers.hue"] for row in rows}) == 6


@pytest.mark.parametrize(
    ("length", "name"),
    [
        (0.0, "none"),
        (0.1, "cap"),
        (0.3, "short"),
        (0.5, "elbow"),
        (0.7, "three_quarter"),
        (1, "long"),
    ],
)
def test_sleeve_lengths_have_everyday_names(length, name):
    assert sleeve_name(length) == name


@pytest.mark.parametrize("counts", [(0, 1), (3, 0)])
def test_impossible_counts_are_rejected(tmp_path: Path, counts):
    with pytest.raises(ValueError, match="at least 1"):
        garments.write_garments(tmp_path, counts[0], seed=0, colourways=counts[1])
