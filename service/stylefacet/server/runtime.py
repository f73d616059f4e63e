"""The composition root: builds every part of a server from its settings, starts it, stops it."""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from stylefacet.app.duplicates import DUPLICATES_KIND
from stylefacet.app.imports import IMPORT_KIND, ManifestImport
from stylefacet.app.installing import EncoderInstaller
from stylefacet.app.library import BundleLibrary
from stylefacet.app.operations import OperationRunner, Work
from stylefacet.app.realms import SWITCH_KIND, EncoderSet, duplicates_work
from stylefacet.app.switching import EncoderSwitch
from stylefacet.app.uploads import Uploads
from stylefacet.errors import EncoderMismatch, ResourceMissing
from stylefacet.imaging import ImageLimits
from stylefacet.inference import EncoderProcesses
from stylefacet.limits import message_options
from stylefacet.server.access import AccessCheck
from stylefacet.server.admission import Admission
from stylefacet.server.catalog_servicer import CatalogServicer
from stylefacet.server.encoder_servicer import EncoderServicer
from stylefacet.server.feature_servicer import FeatureServicer
from stylefacet.server.interceptor import CallInterceptor
from stylefacet.server.listening import PORT_OPTIONS, HealthPort, join_address, listen
from stylefacet.server.metrics import Metrics, MetricsPort, ServerState
from stylefacet.server.opening import open_import_root, open_store, open_tracing, watch_tokens
from stylefacet.server.operation_starter import OperationStarter
from stylefacet.server.operations_servicer import OperationsServicer
from stylefacet.server.photo_pool import POOLED_METHODS, PhotoPool
from stylefacet.server.settings import Settings, split_address
from stylefacet.server.similarity_servicer import SimilarityServicer
from stylefacet.server.tls import server_credentials
from stylefacet.server.watching import CallWatch
from stylefacet.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    encoder_service_pb2,
    encoder_service_pb2_grpc,
    feature_service_pb2,
    feature_service_pb2_grpc,
    similarity_service_pb2,
    similarity_service_pb2_grpc,
)

_log = logging.getLogger(__name__)
# How long calls that were cancelled at the end of the grace may take to notice.
_CALLS_END_S = 5.0
# Threads beyond the calls that are admitted, for those that turn out to be one too many.
_SPARE_HANDLER_COUNT = 4
# Threads that answer health checks, each in less than a millisecond.
_DOOR_THREAD_COUNT = 4
# Where installed bundles lie unpacked, under data_dir.
ENCODERS_FOLDER = "encoders"


class Server:
    """One server over one store; :meth:`start` it once, :meth:`stop` it once."""

    def __init__(
        self, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Opens the store, loads the encoders that serve and fills their indexes.

        Nothing is answered yet.

        Raises:
            BundleInvalid, StoreCorrupt, SettingInvalid, EncoderMismatch: it cannot serve.
        """
        self._settings = settings
        self._now = now
        limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
        self._store = open_store(settings, now)
        worker_count = settings.worker_count or _core_count()
        # Elsewhere a process does not inherit the descriptor over which it is asked.
        has_processes = settings.embed_in_processes and os.name == "posix"
        self._processes = EncoderProcesses(worker_count) if has_processes else None
        try:
            library = BundleLibrary(
                self._store.encoders, settings.data_dir / ENCODERS_FOLDER, limits, self._processes
            )
            self._library = library
            self._bind_encoder(library)
            self._encoders = EncoderSet(self._store, library)
            self._root = open_import_root(settings)
            self._pool = PhotoPool(worker_count, settings.max_queued_photos)
            self._admission = Admission(settings, self._pool.promise, POOLED_METHODS)
            self._door = ThreadPoolExecutor(_DOOR_THREAD_COUNT, thread_name_prefix="door")
            self._health = health.HealthServicer()
            self._metrics = Metrics()
            self._tracing = open_tracing(settings)
            self._watch = CallWatch(self._metrics, self._tracing)
            self._server = self._build()
            self.port = self._listen()
            self._health_port = self._serve_health()
            self._metrics_port = self._serve_metrics()
        except BaseException:
            self._store.close()
            raise
        self._stopped = threading.Event()
        self._hurried = threading.Event()
        self._ending: threading.Thread | None = None

    @property
    def address(self) -> str:
        """HOST:PORT that the server listens at, with the port it got."""
        host, _ = split_address(self._settings.address)
        return join_address(host, self.port)

    @property
    def metrics_address(self) -> str:
        """HOST:PORT at which metrics are served over HTTP; empty when they are not."""
        if self._metrics_port is None:
            return ""
        host, _ = split_address(self._settings.metrics_address)
        return join_address(host, self._metrics_port.port)

    @property
    def health_address(self) -> str:
        """HOST:PORT that answers health checks and nothing else; empty when there is none."""
        return "" if self._health_port is None else self._health_port.address

    def start(self) -> None:
        """Fills the indexes from the store, then lets calls in; health is answered meanwhile.

        A server that cannot is stopped.
        """
        self._server.start()
        if self._health_port is not None:
            self._health_port.start()
        self._admission.start()
        try:
            if self._processes is not None:
                self._processes.start()
            snapshot = self._encoders.refresh()
            self._encoders.start()
        except BaseException:
            self.stop()
            raise
        self._runner.start()
        self._admission.open()
        self._tell_health(health_pb2.HealthCheckResponse.SERVING)
        _log.info(
            "serving",
            extra={
                "address": self.address,
                "encoder": snapshot.assignment.default,
                "metrics_address": self.metrics_address,
                "health_address": self.health_address,
                "tls": self._settings.has_tls,
                "tokens": self._settings.tokens_file is not None,
            },
        )

    def stop(self) -> None:
        """Tells health first, then lets the calls under way end within the grace, closes all.

        It takes at most ``shutdown_notice_s`` and ``shutdown_grace_s``, a few seconds for what
        does not notice, and the time in which an operation under way notices that it has to be
        left to another server. Work on a core is not waited for: :attr:`is_at_work` tells of it.
        """
        if self._stopped.is_set():
            return
        # A watcher of health that does not read would keep the end waiting for ever.
        told = threading.Thread(target=self._health.enter_graceful_shutdown, daemon=True)
        told.start()
        told.join(_CALLS_END_S)
        self._hurried.wait(self._settings.shutdown_notice_s)
        self._admission.drain()
        calls_ended = self._server.stop(self._settings.shutdown_grace_s)
        self._runner.stop()
        # gRPC can lose count of a call whose stream held bytes that are no message.
        if not calls_ended.wait(self._settings.shutdown_grace_s + _CALLS_END_S):
            _log.warning("stopping although gRPC still counts calls")
        self._admission.end()
        self._encoders.stop()
        self._end_threads()
        if self._processes is not None:
            self._processes.close()
        if self._health_port is not None:
            self._health_port.close()
        if self._metrics_port is not None:
            self._metrics_port.close()
        if self._tracing is not None:
            self._tracing.close()
        self._store.close()
        self._stopped.set()
        _log.info("stopped")

    def _end_threads(self) -> None:
        """Waits for the pool and the door, but not for ever: work on a core cannot be stopped.

        Nobody waits for its result any more; whatever it would still write, the closed store
        refuses.
        """
        self._ending = threading.Thread(target=self._shut_pools, name="ending", daemon=True)
        self._ending.start()
        self._ending.join(_CALLS_END_S)
        if self._ending.is_alive():
            _log.warning("stopping although threads are still at work")

    def _shut_pools(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._door.shutdown(cancel_futures=True)

    def hurry(self) -> None:
        """Has a :meth:`stop` under way wait for nobody: calls end with ``UNAVAILABLE``."""
        self._hurried.set()
        self._server.stop(None)

    @property
    def is_at_work(self) -> bool:
        """Whether threads still work, also for calls that a :meth:`stop` has given up."""
        return self._admission.visit_count > 0 or (
            self._ending is not None and self._ending.is_alive()
        )

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until the server has stopped; returns whether it has."""
        return self._stopped.wait(timeout_s)

    def _bind_encoder(self, library: BundleLibrary) -> None:
        """Installs the bundle of the settings; an empty store is served by it from now on."""
        own = library.take_own(self._settings.bundle).encoder.id
        bound = self._store.bind_encoder(own)
        try:
            library.load(bound)
        except ResourceMissing as error:
            raise EncoderMismatch(
                f"the catalogue at {self._settings.store_url}",
                bound,
                own,
                "start it once with its own bundle, then switch to this one; or choose another "
                "data directory and import again",
            ) from error
        if bound != own:
            _log.info("another encoder serves", extra={"encoder": bound, "installed": own})

    def _build(self) -> grpc.Server:
        settings, encoders = self._settings, self._encoders
        uploads = Uploads(self._store, encoders, settings.keep_inputs)
        importer = self._make_importer(uploads)
        switch = EncoderSwitch(self._store, encoders, self._library, self._pool.in_turn)
        works: dict[str, Work] = {
            DUPLICATES_KIND: duplicates_work(encoders),
            SWITCH_KIND: switch,
        }
        if importer is not None:
            works[IMPORT_KIND] = importer
        works = {kind: self._watch.watched(kind, work) for kind, work in works.items()}
        self._metrics.show_state(self._state)
        self._runner = OperationRunner(
            self._store.operations,
            works,
            settings.operation_worker_count,
            settings.operation_lease_s,
            self._now,
        )
        starter = OperationStarter(self._runner, importer, switch)
        installer = EncoderInstaller(self._store, self._library, encoders, self._root)

        handlers = ThreadPoolExecutor(
            settings.max_concurrent_calls + _SPARE_HANDLER_COUNT, thread_name_prefix="call"
        )
        server = grpc.server(
            handlers,
            interceptors=[
                CallInterceptor(
                    AccessCheck(watch_tokens(settings), self._now),
                    self._admission,
                    self._watch,
                    self._door,
                )
            ],
            options=[*PORT_OPTIONS, *message_options(settings.max_message_bytes)],
        )
        depth = settings.stream_depth
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(
            CatalogServicer(
                self._store,
                uploads,
                encoders,
                starter,
                self._pool,
                depth,
            ),
            server,
        )
        encoder_service_pb2_grpc.add_EncoderServiceServicer_to_server(
            EncoderServicer(self._store, encoders, installer, starter, self._pool, depth),
            server,
        )
        feature_service_pb2_grpc.add_FeatureServiceServicer_to_server(
            FeatureServicer(self._store, encoders, self._pool), server
        )
        similarity_service_pb2_grpc.add_SimilarityServiceServicer_to_server(
            SimilarityServicer(self._store, encoders, starter, self._pool),
            server,
        )
        operations_pb2_grpc.add_OperationsServicer_to_server(
            OperationsServicer(self._store.operations, self._runner), server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        self._tell_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        if settings.reflection:
            reflection.enable_server_reflection(
                (*_service_names(), health.SERVICE_NAME, reflection.SERVICE_NAME), server
            )
        return server

    def _make_importer(self, uploads: Uploads) -> ManifestImport | None:
        if self._root is None:
            return None
        return ManifestImport(self._root, uploads, self._store.sweeper, self._pool.in_turn)

    def _state(self) -> ServerState:
        snapshot = self._encoders.loaded
        realms = snapshot.all if snapshot else []
        return ServerState(
            snapshot.assignment.default if snapshot else "",
            sum(realm.index.image_count for realm in realms),
            min((realm.index.sequence for realm in realms), default=0),
            self._pool.waiting_count,
            self._store.sequence,
            None if self._settings.database_url else self._settings.data_dir,
        )

    def _serve_metrics(self) -> MetricsPort | None:
        if not self._settings.metrics_address:
            return None
        return self._metrics.serve(*split_address(self._settings.metrics_address))

    def _tell_health(self, status: "health_pb2.HealthCheckResponse.ServingStatus") -> None:
        for name in ("", *_service_names()):
            self._health.set(name, status)

    def _serve_health(self) -> HealthPort | None:
        if not self._settings.health_address:
            return None
        return HealthPort(self._health, self._settings.health_address)

    def _listen(self) -> int:
        credentials = server_credentials(self._settings)
        return listen(self._server, "address", self._settings.address, credentials)


def served_services() -> tuple[ServiceDescriptor, ...]:
    """Returns the services of a server, beside health and reflection."""
    return tuple(
        descriptor
        for module in (
            catalog_service_pb2,
            encoder_service_pb2,
            feature_service_pb2,
            operations_pb2,
            similarity_service_pb2,
        )
        for descriptor in module.DESCRIPTOR.services_by_name.values()
    )


def _service_names() -> tuple[str, ...]:
    return tuple(descriptor.full_name for descriptor in served_services())


def _core_count() -> int:
    """Returns the cores that this process may use, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
