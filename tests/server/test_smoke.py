import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stylefacet.server.runtime import Server
from stylefacet.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    product_pb2,
    similarity_service_pb2,
    similarity_service_pb2_grpc,
)
from tests.conftest import photo


def test_uploaded_photos_are_found_by_feature(server: Server):
    rows = [
        catalog_service_pb2.UploadProductsRequest(
            row_number=n,
            product=product_pb2.Product(name=f"products/p{n}", category="top"),
            content=photo(n),
        )
        for n in range(20)
    ]
    with grpc.insecure_channel(server.address) as channel:
        catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        answers = list(catalog.UploadProducts(iter(rows)))
        similarity = similarity_service_pb2_grpc.SimilarityServiceStub(channel)
        found = similarity.SearchSimilarProducts(
            similarity_service_pb2.SearchSimilarProductsRequest(
                product="products/p3",
                feature_weights=[
                    similarity_service_pb2.FeatureWeight(feature="features/collar", weight=1)
                ],
                page_size=5,
            )
        )

    assert [answer.status.code for answer in answers] == [0] * 20
    assert len(found.similar_products) == 5
    assert "products/p3" not in [hit.product.name for hit in found.similar_products]
    assert found.sequence_number == answers[-1].sequence_number


def test_health_is_served(server: Server):
    with grpc.insecure_channel(server.address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())

    assert answer.status == health_pb2.HealthCheckResponse.SERVING
