"""Crowded spots and outliers of points whose places are known."""

import numpy as np

from stylefacet.client import Product
from stylefacet.report.catalogue import Catalogue, Facet
from stylefacet.report.maps import lay_out_by_neighbours
from stylefacet.report.neighbourhoods import find_neighbourhoods, sample_positions


def catalogue_of(x: np.ndarray) -> Catalogue:
    half = x.shape[1] // 2
    parts = (
        Facet("collar", "Collar", x[:, :half].astype(np.float32), (), False),
        Facet("body", "Body", x[:, half:].astype(np.float32), (), False),
    )
    products = tuple(Product(f"p{n}") for n in range(len(x)))
    return Catalogue(products, 0, parts, parts, "e", 1)


def test_crowd_is_found_whole_and_the_lone_one_by_its_part():
    x = np.random.default_rng(0).normal(size=(120, 4))
    x[:30] = [5, 5, 5, 5] + 0.01 * x[:30]
    x[119] = [0, 0, 60, 0]
    found = find_neighbourhoods(catalogue_of(x))

    assert set(found.spots[0].members) == set(range(30))
    assert (found.outliers[0].product, found.outliers[0].part) == (119, "Body")


def test_even_catalogue_has_no_crowded_spot():
    x = np.stack(np.meshgrid(np.arange(10), np.arange(10)), axis=-1).reshape(-1, 2)

    assert find_neighbourhoods(catalogue_of(x)).spots == ()


def test_equal_products_bring_nothing_down():
    found = find_neighbourhoods(catalogue_of(np.ones((12, 4))))

    assert all(np.isfinite(outlier.remoteness) for outlier in found.outliers)
    assert not lay_out_by_neighbours(np.ones((12, 4), np.float32)).any()


def test_sample_is_the_same_every_time():
    assert sample_positions(5, 9).tolist() == [0, 1, 2, 3, 4]
    assert sample_positions(900, 9).tolist() == sample_positions(900, 9).tolist()
    assert len(set(sample_positions(900, 9).tolist())) == 9
