"""Who may call what: every method's scope in one table, and the check of a call's token.

A method that is not in the table is refused to everybody; a test holds it complete.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TypeAlias

from stylefacet.errors import MethodUnclassed, TokenRejected, TokenScopeInsufficient
from stylefacet.server.tokens import Scope, Token, find_token

AUTHORIZATION = "authorization"
HEALTH_SERVICE = "grpc.health.v1.Health"
# One entry of a call's metadata.
Entry: TypeAlias = tuple[str, str | bytes]

_READ = {
    "stylefacet.v1.CatalogService": (
        "GetProduct",
        "ListProducts",
        "GetProductImage",
        "ListProductImages",
        "ExportFeatures",
    ),
    "stylefacet.v1.EncoderService": (
        "ListEncoders",
        "GetEncoder",
        "EmbedImage",
        "StreamingEmbedImages",
        "DecodeEmbedding",
        "TraverseFeature",
        "InterpolateEmbeddings",
    ),
    "stylefacet.v1.FeatureService": (
        "ListFeatures",
        "GetFeature",
        "ListFeatureExamples",
        "PredictFeatures",
    ),
    "stylefacet.v1.SimilarityService": (
        "SearchSimilarProducts",
        "CompareProducts",
        # Starts work and leaves the catalogue as it is: reports are made by readers.
        "FindNearDuplicates",
    ),
    "google.longrunning.Operations": ("ListOperations", "GetOperation", "WaitOperation"),
    # Only served where the setting `reflection` says so.
    "grpc.reflection.v1alpha.ServerReflection": ("ServerReflectionInfo",),
}
_WRITE = {
    "stylefacet.v1.CatalogService": (
        "UpdateProduct",
        "BatchUpdateProducts",
        "DeleteProduct",
        "CreateProductImage",
        "DeleteProductImage",
        "UploadProducts",
        "ImportProducts",
    ),
    "stylefacet.v1.EncoderService": (
        "InstallEncoder",
        "UploadEncoder",
        "ActivateEncoder",
        "RollbackEncoder",
        "DeleteEncoder",
    ),
    "stylefacet.v1.FeatureService": (
        "CreateFeature",
        "FitFeature",
        "UpdateFeature",
        "DeleteFeature",
    ),
    "google.longrunning.Operations": ("DeleteOperation", "CancelOperation"),
}


def _methods(table: Mapping[str, Iterable[str]]) -> list[str]:
    return [f"/{service}/{method}" for service, methods in table.items() for method in methods]


# The scope each method needs; health (HEALTH_SERVICE) needs none: probes carry no token.
SCOPES: Mapping[str, Scope] = MappingProxyType(
    dict.fromkeys(_methods(_READ), Scope.READ) | dict.fromkeys(_methods(_WRITE), Scope.WRITE)
)


class AccessCheck:
    """Decides whether a call may come in. Thread-safe when ``tokens`` and ``now`` are.

    ``tokens`` returns the tokens of the moment; none asks for no token.
    """

    def __init__(
        self, tokens: Callable[[], tuple[Token, ...]] | None, now: Callable[[], datetime]
    ) -> None:
        self._tokens = tokens
        self._now = now

    def admit(self, method: str, metadata: Iterable[Entry]) -> str:
        """Returns the name of the token a call came with; empty when none is asked for.

        Raises:
            TokenRejected, TokenScopeInsufficient, MethodUnclassed: it may not come in. They say
                the same whatever was wrong with a token.
        """
        if method.startswith(f"/{HEALTH_SERVICE}/"):
            return ""
        token = self._authenticate(metadata) if self._tokens is not None else None
        needed = SCOPES.get(method)
        if needed is None:
            raise MethodUnclassed(method)
        if token is None:
            return ""
        if not token.scope.allows(needed):
            raise TokenScopeInsufficient(needed)
        return token.name

    def _authenticate(self, metadata: Iterable[Entry]) -> Token:
        assert self._tokens is not None
        given = [value for name, value in metadata if name == AUTHORIZATION]
        if len(given) != 1 or not isinstance(given[0], str):
            raise TokenRejected
        scheme, _, text = given[0].partition(" ")
        token = find_token(self._tokens(), text.strip(), self._now())
        if token is None or scheme.lower() != "bearer":
            raise TokenRejected
        return token
