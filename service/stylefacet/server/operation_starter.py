"""Starts operations from requests: reads them, has them checked, queues them."""

from collections.abc import Callable
from typing import TypeAlias

from google.longrunning import operations_pb2

from stylefacet.app.duplicates import DUPLICATES_KIND, DuplicateSearch
from stylefacet.app.imports import IMPORT_KIND, ManifestImport
from stylefacet.app.operations import OperationRunner
from stylefacet.app.realms import SWITCH_KIND
from stylefacet.app.switch_terms import SwitchTerms
from stylefacet.app.switching import EncoderSwitch
from stylefacet.catalog.assignment import Assignment
from stylefacet.errors import (
    ImportDisabled,
    ImportRunning,
    InvalidField,
    RequestIdReused,
    SwitchRunning,
)
from stylefacet.limits import RESOURCE_ID, RESOURCE_ID_RULE
from stylefacet.server import convert
from stylefacet.server.convert_operations import read_duplicates, read_import, write_operation
from stylefacet.v1 import encoder_service_pb2, import_products_pb2, near_duplicates_pb2

SwitchRequest: TypeAlias = (
    encoder_service_pb2.ActivateEncoderRequest | encoder_service_pb2.RollbackEncoderRequest
)


class OperationStarter:
    """Queues operations whose requests are found good. Thread-safe."""

    def __init__(
        self,
        runner: OperationRunner,
        importer: ManifestImport | None,
        switch: EncoderSwitch,
    ) -> None:
        """Takes no importer for a server without a folder to import from."""
        self._runner = runner
        self._switch = switch
        self._importer = importer

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
        self,
        request: near_duplicates_pb2.FindNearDuplicatesRequest,
        duplicates: DuplicateSearch,
    ) -> operations_pb2.Operation:
        """Queues a search for near duplicates under the encoder of ``duplicates``.

        Raises:
            InvalidField, ResourceMissing.
        """
        terms = read_duplicates(request, duplicates.encoder_id)
        duplicates.check(terms)
        return write_operation(
            self._runner.submit(
                DUPLICATES_KIND, terms.to_json(), _read_request_id(request.request_id)
            )
        )

    def start_activation(
        self, request: encoder_service_pb2.ActivateEncoderRequest
    ) -> operations_pb2.Operation:
        """Queues a switch to an encoder.

        Raises:
            ResourceMissing, BundleInvalid, InvalidField, SwitchRunning.
        """
        encoder_id = convert.read_name("name", request.name, "encoders")
        categories = sorted(set(request.categories))
        asked: dict[str, object] = {"encoder": encoder_id, "categories": categories}
        return self._start_switch(
            request, asked, lambda: self._switch.plan_activation(encoder_id, categories)
        )

    def start_rollback(
        self, request: encoder_service_pb2.RollbackEncoderRequest
    ) -> operations_pb2.Operation:
        """Queues a switch back.

        Raises:
            ResourceMissing, BundleInvalid, SwitchRunning.
        """
        return self._start_switch(request, {"rollback": True}, self._switch.plan_rollback)

    def _start_switch(
        self,
        request: SwitchRequest,
        asked: dict[str, object],
        plan: Callable[[], tuple[Assignment, Assignment]],
    ) -> operations_pb2.Operation:
        request_id = _read_request_id(request.request_id)
        asked |= {
            "validate_only": request.validate_only,
            "allow_missing_inputs": request.allow_missing_inputs,
        }
        # What a repeated request would plan anew depends on what the first one has done.
        known = self._runner.find_request(request_id)
        if known is not None:
            if known.kind != SWITCH_KIND or known.request.get("asked") != asked:
                raise RequestIdReused(request_id)
            return write_operation(known)
        earlier, later = plan()
        terms = SwitchTerms(
            asked, earlier, later, request.validate_only, request.allow_missing_inputs
        )
        return write_operation(
            self._runner.submit(SWITCH_KIND, terms.to_json(), request_id, SwitchRunning)
        )


def _read_request_id(text: str) -> str:
    if text and not RESOURCE_ID.fullmatch(text):
        raise InvalidField("request_id", f"{text[:140]!r} must be {RESOURCE_ID_RULE}")
    return text
