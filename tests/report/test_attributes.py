"""What a catalogue can be sorted by, on catalogues made by hand."""

import numpy as np

from stylefacet.client import Product
from stylefacet.report.attributes import OTHERS, Attribute, Source, find_attributes
from stylefacet.report.catalogue import Catalogue, Facet

COUNT = 40


def catalogue_of(products: list[Product], *fitted: Facet) -> Catalogue:
    x = np.random.default_rng(0).normal(size=(len(products), 3)).astype(np.float32)
    part = Facet("collar", "Collar", x, (), False)
    return Catalogue(tuple(products), 0, (part, *fitted), (part,), "e", 1)


def fitted(title: str, values: tuple[str, ...]) -> Facet:
    return Facet(title.lower(), title, np.zeros((COUNT, 1), np.float32), values, True)


def by_title(catalogue: Catalogue) -> dict[str, Attribute]:
    return {attribute.title: attribute for attribute in find_attributes(catalogue).shown}


def test_predicted_values_of_a_carried_feature_are_counted():
    values = tuple("long" if n % 4 else "short" for n in range(COUNT))
    found = by_title(catalogue_of([Product(f"p{n}") for n in range(COUNT)], fitted("Hem", values)))

    hem = found["Hem (predicted)"]
    assert hem.source is Source.FEATURE
    assert dict(zip(hem.values, hem.counts().tolist(), strict=True)) == {"long": 30, "short": 10}


def test_feature_that_is_not_carried_is_said_to_be_left_out():
    catalogue = catalogue_of([Product(f"p{n}") for n in range(COUNT)], fitted("Luck", ()))

    assert "Luck (this encoder does not see it)" in find_attributes(catalogue).left_out


def test_rare_values_are_put_together_and_none_is_lost():
    products = [Product(f"p{n}", labels={"shade": f"s{min(n, 19)}"}) for n in range(COUNT)]
    shade = by_title(catalogue_of(products))["Shade"]

    assert len(shade.values) == 12
    assert (shade.values[0], shade.values[-1]) == ("s19", OTHERS)
    assert shade.counts().tolist() == [21, *[1] * 10, 9]


def test_label_that_names_each_product_is_left_out():
    products = [Product(f"p{n}", labels={"sku": f"number {n}"}) for n in range(COUNT)]

    assert "sku (40 different values)" in find_attributes(catalogue_of(products)).left_out


def test_ranges_of_a_number_hold_what_numpy_counts():
    prices = np.random.default_rng(1).uniform(5, 95, COUNT)
    products = [Product(f"p{n}", numbers={"price": float(p)}) for n, p in enumerate(prices)]
    price = by_title(catalogue_of(products))["Price"]

    low, high = np.quantile(prices, [0.02, 0.98])
    edges = np.linspace(low, high, 7)[1:-1]
    expected, _ = np.histogram(prices, [-np.inf, *edges, np.inf])
    assert price.counts().tolist() == expected.tolist()


def test_kinds_of_looks_are_groups_that_lie_apart():
    catalogue = catalogue_of([Product(f"p{n}") for n in range(60)])
    middles = np.repeat(np.eye(6)[:, :3] * 9 - np.eye(6)[:, 3:] * 9, 10, axis=0)
    x = (middles + catalogue.parts[0].coordinates * 0.1).astype(np.float32)
    part = Facet("collar", "Collar", x, (), False)
    found = by_title(Catalogue(catalogue.products, 0, (part,), (part,), "e", 1))

    codes = found["Collar (by looks)"].codes.reshape(6, 10)
    assert (codes == codes[:, :1]).all()
    assert len(set(codes[:, 0].tolist())) == 6
