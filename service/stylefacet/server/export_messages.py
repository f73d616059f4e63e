"""From exported features and products to their messages; knows no store."""

from stylefacet.app.export import ExportedFeature, ExportedProduct
from stylefacet.server.convert import write_product
from stylefacet.v1 import catalog_service_pb2 as pb


def write_exported_feature(feature: ExportedFeature) -> pb.ExportedFeature:
    """Returns the message of a feature as an export used it."""
    return pb.ExportedFeature(
        feature=f"features/{feature.live.name}",
        version=feature.live.version,
        coordinate_count=len(feature.live.projection.matrix),
        fitted=feature.fitted is not None,
        carried=feature.carried,
    )


def write_exported_product(exported: ExportedProduct) -> pb.ExportedProduct:
    """Returns the message of a product with its places."""
    return pb.ExportedProduct(
        product=write_product(exported.product),
        image_count=exported.image_count,
        features=[
            pb.ExportedCoordinates(
                coordinates=place.coordinates, value=place.value, probability=place.probability
            )
            for place in exported.places
        ],
    )
