"""Starts operations from requests: reads them, has them checked, queues them."""

from google.longrunning import operations_pb2

from stylefacet.app.duplicates import DUPLICATES_KIND, DuplicateSearch
from stylefacet.app.imports import IMPORT_KIND, ManifestImport
from stylefacet.app.operations import OperationRunner
from stylefacet.errors import ImportDisabled, ImportRunning, InvalidField
from stylefacet.limits import RESOURCE_ID, RESOURCE_ID_RULE
from stylefacet.server.convert_operations import read_duplicates, read_import, write_operation
from stylefacet.v1 import import_products_pb2, near_duplicates_pb2


class OperationStarter:
    """Queues operations whose requests are found good. Thread-safe."""

    def __init__(
        self,
        runner: OperationRunner,
        importer: ManifestImport | None,
        duplicates: DuplicateSearch,
    ) -> None:
        """Takes no importer for a server without a folder to import from."""
        self._runner = runner
        self._importer = importer
        self._duplicates = duplicates

    def start_import(
        self, request: import_products_pb2.ImportProductsRequest
    ) -> operations_pb2.Operation:
        """Queues an import.

        Raises:
            ImportDisabled, ImportRunning, InvalidField.
        """
        if self._importer is None:
            raise ImportDisabled
        terms = read_import(request)
        self._importer.check(terms)
        return write_operation(
            self._runner.submit(
                IMPORT_KIND, terms.to_json(), _read_request_id(request.request_id), ImportRunning
            )
        )

    def start_duplicates(
        self, request: near_duplicates_pb2.FindNearDuplicatesRequest
    ) -> operations_pb2.Operation:
        """Queues a search for near duplicates.

        Raises:
            InvalidField, ResourceMissing.
        """
        terms = read_duplicates(request)
        self._duplicates.check(terms)
        return write_operation(
            self._runner.submit(
                DUPLICATES_KIND, terms.to_json(), _read_request_id(request.request_id)
            )
        )


def _read_request_id(text: str) -> str:
    if text and not RESOURCE_ID.fullmatch(text):
        raise InvalidField("request_id", f"{text[:140]!r} must be {RESOURCE_ID_RULE}")
    return text
