from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.rpc import status_pb2 as _status_pb2
from stylefacet.v1 import import_products_pb2 as _import_products_pb2
from stylefacet.v1 import product_pb2 as _product_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetProductRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListProductsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListProductsResponse(_message.Message):
    __slots__ = ("products", "next_page_token")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[_product_pb2.Product]
    next_page_token: str
    def __init__(self, products: _Optional[_Iterable[_Union[_product_pb2.Product, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateProductRequest(_message.Message):
    __slots__ = ("product", "update_mask", "allow_missing", "validate_only", "request_id")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    product: _product_pb2.Product
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    validate_only: bool
    request_id: str
    def __init__(self, product: _Optional[_Union[_product_pb2.Product, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: _Optional[bool] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class BatchUpdateProductsRequest(_message.Message):
    __slots__ = ("requests", "validate_only", "request_id")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[UpdateProductRequest]
    validate_only: bool
    request_id: str
    def __init__(self, requests: _Optional[_Iterable[_Union[UpdateProductRequest, _Mapping]]] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class BatchUpdateProductsResponse(_message.Message):
    __slots__ = ("products",)
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[_product_pb2.Product]
    def __init__(self, products: _Optional[_Iterable[_Union[_product_pb2.Product, _Mapping]]] = ...) -> None: ...

class DeleteProductRequest(_message.Message):
    __slots__ = ("name", "etag", "validate_only", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    validate_only: bool
    request_id: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateProductImageRequest(_message.Message):
    __slots__ = ("parent", "product_image", "product_image_id", "validate_only", "request_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    product_image: _product_pb2.ProductImage
    product_image_id: str
    validate_only: bool
    request_id: str
    def __init__(self, parent: _Optional[str] = ..., product_image: _Optional[_Union[_product_pb2.ProductImage, _Mapping]] = ..., product_image_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetProductImageRequest(_message.Message):
    __slots__ = ("name", "view")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    name: str
    view: _product_pb2.ProductImageView
    def __init__(self, name: _Optional[str] = ..., view: _Optional[_Union[_product_pb2.ProductImageView, str]] = ...) -> None: ...

class ListProductImagesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "view")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    view: _product_pb2.ProductImageView
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., view: _Optional[_Union[_product_pb2.ProductImageView, str]] = ...) -> None: ...

class ListProductImagesResponse(_message.Message):
    __slots__ = ("product_images", "next_page_token")
    PRODUCT_IMAGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    product_images: _containers.RepeatedCompositeFieldContainer[_product_pb2.ProductImage]
    next_page_token: str
    def __init__(self, product_images: _Optional[_Iterable[_Union[_product_pb2.ProductImage, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteProductImageRequest(_message.Message):
    __slots__ = ("name", "validate_only", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    validate_only: bool
    request_id: str
    def __init__(self, name: _Optional[str] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class UploadProductsRequest(_message.Message):
    __slots__ = ("row_number", "product", "content", "product_image_id")
    ROW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    row_number: int
    product: _product_pb2.Product
    content: bytes
    product_image_id: str
    def __init__(self, row_number: _Optional[int] = ..., product: _Optional[_Union[_product_pb2.Product, _Mapping]] = ..., content: _Optional[bytes] = ..., product_image_id: _Optional[str] = ...) -> None: ...

class UploadProductsResponse(_message.Message):
    __slots__ = ("row_number", "outcome", "status", "product_image", "sequence_number")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[UploadProductsResponse.Outcome]
        CREATED: _ClassVar[UploadProductsResponse.Outcome]
        UPDATED: _ClassVar[UploadProductsResponse.Outcome]
        UNCHANGED: _ClassVar[UploadProductsResponse.Outcome]
    OUTCOME_UNSPECIFIED: UploadProductsResponse.Outcome
    CREATED: UploadProductsResponse.Outcome
    UPDATED: UploadProductsResponse.Outcome
    UNCHANGED: UploadProductsResponse.Outcome
    ROW_NUMBER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    row_number: int
    outcome: UploadProductsResponse.Outcome
    status: _status_pb2.Status
    product_image: str
    sequence_number: int
    def __init__(self, row_number: _Optional[int] = ..., outcome: _Optional[_Union[UploadProductsResponse.Outcome, str]] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., product_image: _Optional[str] = ..., sequence_number: _Optional[int] = ...) -> None: ...

class ExportFeaturesRequest(_message.Message):
    __slots__ = ("filter", "features", "encoder")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    filter: str
    features: _containers.RepeatedScalarFieldContainer[str]
    encoder: str
    def __init__(self, filter: _Optional[str] = ..., features: _Optional[_Iterable[str]] = ..., encoder: _Optional[str] = ...) -> None: ...

class ExportFeaturesResponse(_message.Message):
    __slots__ = ("encoder", "sequence_number", "features", "products")
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    encoder: str
    sequence_number: int
    features: _containers.RepeatedCompositeFieldContainer[ExportedFeature]
    products: _containers.RepeatedCompositeFieldContainer[ExportedProduct]
    def __init__(self, encoder: _Optional[str] = ..., sequence_number: _Optional[int] = ..., features: _Optional[_Iterable[_Union[ExportedFeature, _Mapping]]] = ..., products: _Optional[_Iterable[_Union[ExportedProduct, _Mapping]]] = ...) -> None: ...

class ExportedFeature(_message.Message):
    __slots__ = ("feature", "version", "coordinate_count", "fitted", "carried")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    COORDINATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FITTED_FIELD_NUMBER: _ClassVar[int]
    CARRIED_FIELD_NUMBER: _ClassVar[int]
    feature: str
    version: int
    coordinate_count: int
    fitted: bool
    carried: bool
    def __init__(self, feature: _Optional[str] = ..., version: _Optional[int] = ..., coordinate_count: _Optional[int] = ..., fitted: _Optional[bool] = ..., carried: _Optional[bool] = ...) -> None: ...

class ExportedProduct(_message.Message):
    __slots__ = ("product", "image_count", "features")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    product: _product_pb2.Product
    image_count: int
    features: _containers.RepeatedCompositeFieldContainer[ExportedCoordinates]
    def __init__(self, product: _Optional[_Union[_product_pb2.Product, _Mapping]] = ..., image_count: _Optional[int] = ..., features: _Optional[_Iterable[_Union[ExportedCoordinates, _Mapping]]] = ...) -> None: ...

class ExportedCoordinates(_message.Message):
    __slots__ = ("coordinates", "value", "probability")
    COORDINATES_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    coordinates: _containers.RepeatedScalarFieldContainer[float]
    value: str
    probability: float
    def __init__(self, coordinates: _Optional[_Iterable[float]] = ..., value: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...
