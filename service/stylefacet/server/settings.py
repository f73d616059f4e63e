"""The server's settings: one dataclass with every default; knows not where values come from."""

import math
from dataclasses import dataclass
from pathlib import Path

from stylefacet.addresses import is_loopback
from stylefacet.errors import SettingInvalid
from stylefacet.limits import MAX_IMAGE_BYTES, MAX_MESSAGE_BYTES

DEFAULT_BUNDLE = Path(__file__).resolve().parent.parent / "data" / "default_bundle"
DATABASE_FILE = "catalogue.db"
_AT_LEAST_ONE = (
    "max_concurrent_calls",
    "max_queued_photos",
    "max_image_bytes",
    "max_image_pixels",
    "max_message_bytes",
    "operation_worker_count",
    "stream_depth",
)
_POSITIVE = ("operation_lease_s", "call_deadline_s", "stream_idle_s")
_NOT_NEGATIVE = ("worker_count", "shutdown_grace_s", "shutdown_notice_s")
_FILES = ("tls_cert", "tls_key", "tls_client_ca", "tokens_file")


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set; each default is here and nowhere else.

    ``deploy/stylefacet.toml`` shows them all with what they are for.
    """

    # Where SQLite and whatever else the server writes lives; made when missing.
    data_dir: Path = Path("stylefacet-data")
    # The encoder bundle; the shipped one knows rendered and amateur photos of tops.
    bundle: Path = DEFAULT_BUNDLE
    # HOST:PORT to listen at; port 0 takes a free one. Loopback, until somebody says who may come.
    address: str = "127.0.0.1:50051"
    # A database URL; empty means SQLite in data_dir.
    database_url: str = ""
    # Photos and searches worked on at once; 0 means one a core.
    worker_count: int = 0
    # Embed photos in processes of their own, one for each worker, beside the one that answers.
    embed_in_processes: bool = True
    # Calls under way at once, streams included; more are refused with a time to try again.
    max_concurrent_calls: int = 64
    # Photos and searches of single calls that wait for a worker, at most. Fewer may when that would
    # be over 0.6 s of work, or when many calls have to be refused. Streams take turns and wait.
    max_queued_photos: int = 32
    # Photos of one stream in memory at once, waiting or done.
    stream_depth: int = 64
    # Seconds a call that answers once may take, whatever its caller allows: a fit takes minutes.
    call_deadline_s: float = 600.0
    # Seconds without a message either way after which a stream has to make room for others.
    stream_idle_s: float = 600.0
    # Keep the letterboxed input of each image: pictures in results and a later encoder need it.
    keep_inputs: bool = True
    max_image_bytes: int = MAX_IMAGE_BYTES
    max_image_pixels: int = 64_000_000
    # One message, in bytes; clients send no more than the default.
    max_message_bytes: int = MAX_MESSAGE_BYTES
    # Seconds after SIGTERM in which calls are still taken while health says NOT_SERVING, so that
    # a load balancer notices first.
    shutdown_notice_s: float = 0.0
    # Seconds that calls under way then get to end.
    shutdown_grace_s: float = 10.0
    # The folder that ImportProducts may read, and nothing outside it; unset refuses such imports.
    # Servers on one database need the same files there.
    import_root: Path | None = None
    # Operations under way at once; more wait their turn.
    operation_worker_count: int = 2
    # Seconds without a sign of life after which another server takes an operation over: longer
    # than a busy store keeps a writer waiting.
    operation_lease_s: float = 30.0
    # PEM files of the certificate, with its chain, and of its key: both switch TLS on. They are
    # read again when they change.
    tls_cert: Path | None = None
    tls_key: Path | None = None
    # PEM file of the authorities whose certificates clients must show (mutual TLS).
    tls_client_ca: Path | None = None
    # The bearer tokens that are let in, as `stylefacet tokens` writes them; read again when it
    # changes. Unset asks for no token.
    tokens_file: Path | None = None
    # HOST:PORT of a second, plain port that answers health checks and nothing else: probes of
    # Kubernetes speak no TLS. Empty opens none.
    health_address: str = ""
    # Whether the contract can be asked for over the wire (grpcurl); with a read token, if any.
    reflection: bool = True
    # HOST:PORT at which Prometheus reads the metrics over plain HTTP; empty serves none.
    metrics_address: str = ""
    # URL of an OpenTelemetry collector (OTLP over gRPC), such as http://localhost:4317; empty
    # sends no traces.
    trace_endpoint: str = ""
    # Share of the calls that are traced; a caller who traces decides for its own.
    trace_ratio: float = 1.0
    # Lets the server listen beyond loopback although anyone who reaches it may read and write.
    allow_insecure: bool = False

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_files()
        self._check_observing()
        host, port = split_address(self.address)
        if self.health_address:
            split_address(self.health_address, "health_address")
        guarded = self.has_tls and (self.tokens_file or self.tls_client_ca)
        if not (guarded or self.allow_insecure or is_loopback(host)):
            raise SettingInvalid(
                "address",
                f"{self.address} is open to others, which takes tls_cert and tls_key, and "
                "tokens_file or tls_client_ca, to say who may come in; "
                f"use 127.0.0.1:{port}, or --allow-insecure if the network itself is trusted",
            )

    @property
    def store_url(self) -> str:
        """The URL of the store."""
        return self.database_url or f"sqlite:///{self.data_dir / DATABASE_FILE}"

    @property
    def has_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls_cert is not None

    def _check_numbers(self) -> None:
        for name in (*_AT_LEAST_ONE, *_POSITIVE, *_NOT_NEGATIVE):
            value = getattr(self, name)
            if not math.isfinite(value):
                raise SettingInvalid(name, f"{value} is no finite number")
            if name in _AT_LEAST_ONE and value < 1:
                raise SettingInvalid(name, f"{value} is below 1")
            if value < 0 or (name in _POSITIVE and value == 0):
                raise SettingInvalid(name, f"{value:g} must be above 0")
        if self.max_message_bytes > MAX_MESSAGE_BYTES:
            raise SettingInvalid(
                "max_message_bytes",
                f"{self.max_message_bytes} is above {MAX_MESSAGE_BYTES}, what clients send at most",
            )
        if self.max_image_bytes > self.max_message_bytes:
            raise SettingInvalid(
                "max_image_bytes",
                f"{self.max_image_bytes} does not fit a message (max_message_bytes is "
                f"{self.max_message_bytes})",
            )

    def _check_files(self) -> None:
        if self.import_root is not None and not self.import_root.is_dir():
            raise SettingInvalid("import_root", f"there is no folder {self.import_root}")
        for name in _FILES:
            path: Path | None = getattr(self, name)
            if path is not None and not path.is_file():
                raise SettingInvalid(name, f"there is no file {path}")
        if (self.tls_cert is None) != (self.tls_key is None):
            missing = "tls_key" if self.tls_key is None else "tls_cert"
            raise SettingInvalid(missing, "is missing; TLS takes tls_cert and tls_key")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise SettingInvalid("tls_client_ca", "takes tls_cert and tls_key as well")

    def _check_observing(self) -> None:
        if not 0 <= self.trace_ratio <= 1:
            raise SettingInvalid("trace_ratio", f"{self.trace_ratio} is not within 0 and 1")
        if self.trace_endpoint and not self.trace_endpoint.startswith(("http://", "https://")):
            raise SettingInvalid(
                "trace_endpoint", f"{self.trace_endpoint!r} is no URL; use http://HOST:4317"
            )
        if self.metrics_address:
            split_address(self.metrics_address, "metrics_address")


def split_address(address: str, setting: str = "address") -> tuple[str, int]:
    """Returns host and port of ``HOST:PORT``; brackets round an IPv6 host are taken off.

    Raises:
        SettingInvalid: when it is nothing of the kind.
    """
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65_535 or not host:
        raise SettingInvalid(setting, f"{address!r} is not HOST:PORT, such as 127.0.0.1:50051")
    return host.removeprefix("[").removesuffix("]"), int(port)
