"""The server's settings: one dataclass, its defaults, and how files and environment set them."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from stylefacet.errors import SettingInvalid
from stylefacet.limits import MAX_IMAGE_BYTES

ENVIRONMENT_PREFIX = "STYLEFACET_"
DEFAULT_BUNDLE = Path(__file__).resolve().parent.parent / "data" / "default_bundle"
DATABASE_FILE = "catalogue.db"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set; each default is here and nowhere else."""

    # Where SQLite and whatever else the server writes lives; made when missing.
    data_dir: Path = Path("stylefacet-data")
    # The encoder bundle; the shipped one knows rendered and amateur photos of tops.
    bundle: Path = DEFAULT_BUNDLE
    # HOST:PORT to listen at; port 0 takes a free one. Loopback, for there is no authentication.
    address: str = "127.0.0.1:50051"
    # A database URL; empty means SQLite in data_dir.
    database_url: str = ""
    # Threads that decode and embed photos; 0 means one a core: both release the interpreter lock.
    worker_count: int = 0
    # Calls under way at once, streams included; more are refused with a time to try again.
    max_concurrent_calls: int = 64
    # Photos of one stream in memory at once, waiting or done.
    stream_depth: int = 64
    # Keep the letterboxed input of each image: pictures in results and a later encoder need it.
    keep_inputs: bool = True
    max_image_bytes: int = MAX_IMAGE_BYTES
    max_image_pixels: int = 64_000_000
    # Seconds that calls under way get to end when the server stops.
    shutdown_grace_s: float = 10.0
    # The folder that ImportProducts may read, and nothing outside it; unset refuses such imports.
    # Servers on one database need the same files there.
    import_root: Path | None = None
    # Operations under way at once; more wait their turn.
    operation_worker_count: int = 2
    # Seconds without a sign of life after which another server takes an operation over: longer
    # than a busy store keeps a writer waiting.
    operation_lease_s: float = 30.0
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
        for name in ("max_concurrent_calls", "stream_depth", "max_image_bytes", "max_image_pixels"):
            if getattr(self, name) < 1:
                raise SettingInvalid(name, f"{getattr(self, name)} is below 1")
        if self.operation_worker_count < 1 or self.operation_lease_s <= 0:
            raise SettingInvalid("operation_worker_count, operation_lease_s", "must be above 0")
        if self.import_root is not None and not self.import_root.is_dir():
            raise SettingInvalid("import_root", f"there is no folder {self.import_root}")
        if self.worker_count < 0 or self.shutdown_grace_s < 0:
            raise SettingInvalid("worker_count, shutdown_grace_s", "must not be negative")
        if not 0 <= self.trace_ratio <= 1:
            raise SettingInvalid("trace_ratio", f"{self.trace_ratio} is not within 0 and 1")
        if self.trace_endpoint and not self.trace_endpoint.startswith(("http://", "https://")):
            raise SettingInvalid(
                "trace_endpoint", f"{self.trace_endpoint!r} is no URL; use http://HOST:4317"
            )
        if self.metrics_address:
            split_address(self.metrics_address, "metrics_address")
        host, port = split_address(self.address)
        if not self.allow_insecure and host not in ("127.0.0.1", "localhost", "::1"):
            raise SettingInvalid(
                "address",
                f"{self.address} is open to others and there is no authentication; "
                f"use 127.0.0.1:{port}, or --allow-insecure if the network itself is trusted",
            )

    @property
    def store_url(self) -> str:
        """The URL of the store."""
        return self.database_url or f"sqlite:///{self.data_dir / DATABASE_FILE}"


def split_address(address: str, setting: str = "address") -> tuple[str, int]:
    """Returns host and port of ``HOST:PORT``; brackets round an IPv6 host are taken off.

    Raises:
        SettingInvalid: when it is nothing of the kind.
    """
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65_535 or not host:
        raise SettingInvalid(setting, f"{address!r} is not HOST:PORT, such as 127.0.0.1:50051")
    return host.removeprefix("[").removesuffix("]"), int(port)


def load_settings(
    flags: Mapping[str, object],
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Settings:
    """Returns settings from defaults < TOML file < environment < flags; None flags are unset.

    Raises:
        SettingInvalid: for an unknown name, with the nearest known one, or a bad value.
    """
    values: dict[str, object] = {}
    if file is not None:
        values |= _read_toml(file)
    values |= {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name not in _CLIENT_VARIABLES
    }
    values |= {name: value for name, value in flags.items() if value is not None}
    return Settings(**{name: _parse(name, value) for name, value in values.items()})


# The command line's own variables share the prefix.
_CLIENT_VARIABLES = frozenset({"STYLEFACET_ADDRESS", "STYLEFACET_TOKEN", "STYLEFACET_DEBUG"})
_TYPES = {field.name: field.type for field in fields(Settings)}


def _read_toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingInvalid("config", f"there is no file {file}") from error
    except (OSError, ValueError) as error:
        raise SettingInvalid("config", f"{file} cannot be read ({error})") from error


def _parse(name: str, value: object) -> Any:
    """Returns a setting's value in its type; texts come from the environment."""
    if name not in _TYPES:
        near = difflib.get_close_matches(name, _TYPES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(_TYPES))}"
        raise SettingInvalid(name, f"there is no such setting; {hint}")
    wanted = _TYPES[name]
    try:
        if wanted in (Path, Path | None) and isinstance(value, str | Path):
            return Path(value)
        if wanted is bool:
            return _parse_bool(value)
        if wanted is str and isinstance(value, str):
            return value
        if wanted in (int, float) and isinstance(value, str | int | float):
            if isinstance(value, bool) or (wanted is int and isinstance(value, float)):
                raise ValueError
            return int(value) if wanted is int else float(value)
        raise ValueError
    except ValueError as error:
        kind = wanted.__name__ if isinstance(wanted, type) else str(wanted)
        raise SettingInvalid(name, f"{value!r} is no {kind}") from error


def _parse_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError
