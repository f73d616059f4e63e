"""Fetches the catalogue in its features from a server; knows neither pictures nor HTML."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.client import Feature, Product, StylefacetClient
from stylefacet.errors import InvalidField
from stylefacet.report.wording import clean

F32 = npt.NDArray[np.float32]

# With fewer there is nothing to spread, and t-SNE has no neighbours to keep.
MIN_PRODUCT_COUNT = 3
# What a shopper calls it, where the encoder's builders chose another word.
_WORDS = {"Palette": "Colour"}


@dataclass(frozen=True, slots=True)
class Facet:
    """A feature of the catalogue: ``coordinates (n, k)`` in its own scale.

    ``values`` are the most probable ones, a product each; none if it predicts none.
    """

    feature_id: str
    title: str
    coordinates: F32
    values: tuple[str, ...]
    fitted: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The products that have a photo, in order of id, and what the encoder sees of them.

    ``facets`` are all features, ``parts`` those that together are the whole garment.
    """

    products: tuple[Product, ...]
    without_image_count: int
    facets: tuple[Facet, ...]
    parts: tuple[Facet, ...]
    encoder: str
    sequence_number: int

    def whole(self) -> F32:
        """Returns ``(n, d)`` float32, in which distances are those of an unweighted search."""
        return np.concatenate([part.coordinates for part in self.parts], axis=1)


def read_catalogue(client: StylefacetClient, filter: str = "", encoder: str = "") -> Catalogue:
    """Returns the products that pass a filter, as of one moment.

    Raises:
        InvalidField: when fewer than 3 of them have a photo.
    """
    export = client.export_features(filter, encoder=encoder)
    features = {each.feature_id: each for each in client.list_features(export.encoder)}
    products: list[Product] = []
    rows: list[list[F32]] = []
    values: list[list[str]] = []
    without_image_count = 0
    for exported in export.products:
        if not exported.places:
            without_image_count += 1
            continue
        products.append(exported.product)
        rows.append([np.array(place.coordinates, np.float32) for place in exported.places])
        values.append([place.value for place in exported.places])
    if len(products) < MIN_PRODUCT_COUNT:
        which = "pass it" if filter else "are in the catalogue"
        raise InvalidField(
            "--filter",
            f"{len(products)} products with a photo {which}; a report takes at least "
            f"{MIN_PRODUCT_COUNT}",
        )
    facets = tuple(
        Facet(
            feature.feature_id,
            _title(features.get(feature.feature_id), feature.feature_id),
            np.stack([row[position] for row in rows]),
            tuple(row[position] for row in values) if feature.carried else (),
            feature.fitted,
        )
        for position, feature in enumerate(export.features)
    )
    parts = _parts(client, facets, export.encoder)
    return Catalogue(
        tuple(products),
        without_image_count,
        facets,
        parts,
        export.encoder,
        export.sequence_number,
    )


def _title(feature: Feature | None, feature_id: str) -> str:
    title = (feature.display_name if feature is not None else "") or feature_id
    return _WORDS.get(title, clean(title))


def _parts(client: StylefacetClient, facets: tuple[Facet, ...], encoder: str) -> tuple[Facet, ...]:
    blocks = {block.block for block in client.get_encoder(encoder).blocks}
    return tuple(facet for facet in facets if facet.feature_id in blocks) or facets
