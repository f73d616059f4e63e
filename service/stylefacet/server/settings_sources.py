"""Where settings come from: defaults < TOML file < environment < flags; knows no single setting."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from stylefacet.errors import SettingInvalid
from stylefacet.server.settings import Settings

ENVIRONMENT_PREFIX = "STYLEFACET_"
DEFAULT_SOURCE = "default"
# Variables with the prefix that are the command line's own, or say where the file is.
CLIENT_VARIABLES = frozenset(
    {
        "STYLEFACET_ALLOW_PLAINTEXT_TOKEN",
        "STYLEFACET_CLIENT_CERT",
        "STYLEFACET_CLIENT_KEY",
        "STYLEFACET_CONFIG",
        "STYLEFACET_DEBUG",
        "STYLEFACET_TLS",
        "STYLEFACET_TLS_CA",
        "STYLEFACET_TLS_SERVER_NAME",
        "STYLEFACET_TOKEN",
        "STYLEFACET_TOKEN_FILE",
    }
)
# What Kubernetes and Docker put into the environment beside a service of this name.
_SERVICE_LINK = re.compile(
    r"\w+_SERVICE_HOST|\w+_SERVICE_PORT(_\w+)?|\w+_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?"
)
_FIELDS = {field.name: field for field in fields(Settings)}
_KINDS: dict[object, str] = {
    bool: "true or false",
    float: "number",
    int: "whole number",
    str: "text",
}
_PASSWORDS = (
    (re.compile(r"(//[^:/@]*):.*@"), r"\1:***@"),
    (re.compile(r"(password=)[^&\s]*", re.IGNORECASE), r"\1***"),
)


@dataclass(frozen=True, slots=True)
class SourcedSettings:
    """Settings, and for each by its name what set it: a file, a variable, the command line."""

    settings: Settings
    sources: Mapping[str, str]

    def shown(self) -> list[tuple[str, str, str]]:
        """Returns name, value and source of every setting; passwords are hidden."""
        return [
            (name, hide_passwords(_text(getattr(self.settings, name))), self.sources[name])
            for name in _FIELDS
        ]


def load_settings(
    flags: Mapping[str, object],
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Settings:
    """Returns what :func:`read_settings` finds, without the sources."""
    return read_settings(flags, environment, file).settings


def read_settings(
    flags: Mapping[str, object],
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> SourcedSettings:
    """Returns settings from defaults < TOML file < environment < flags; None flags are unset.

    An empty text for a path stands for its default.

    Raises:
        SettingInvalid: for an unknown name, with the nearest known one, or a bad value.
    """
    values: dict[str, Any] = {}
    sources = dict.fromkeys(_FIELDS, DEFAULT_SOURCE)
    for name, value, source in _given(flags, environment, file):
        values[name] = _parse(name, value, source)
        sources[name] = source
    return SourcedSettings(Settings(**values), sources)


def hide_passwords(text: str) -> str:
    """Returns a text, such as a database URL, with the passwords in it hidden."""
    for pattern, replacement in _PASSWORDS:
        text = pattern.sub(replacement, text)
    return text


def _given(
    flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None
) -> list[tuple[str, object, str]]:
    """Returns name, value and source of all that is set, the weakest source first."""
    in_file = _read_toml(file).items() if file is not None else ()
    given = [(name, value, f"file {file}") for name, value in in_file]
    for variable, text in environment.items():
        if _is_setting(variable):
            name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            given.append((name, text, f"environment {variable}"))
    for name, value in flags.items():
        if value is not None:
            given.append((name, value, "command line"))
    return given


def _is_setting(variable: str) -> bool:
    """Returns whether a variable is a setting, or should be one."""
    if not variable.startswith(ENVIRONMENT_PREFIX) or variable in CLIENT_VARIABLES:
        return False
    return _SERVICE_LINK.fullmatch(variable) is None


def _read_toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingInvalid("config", f"there is no file {file}") from error
    except (OSError, ValueError) as error:
        raise SettingInvalid("config", f"{file} cannot be read ({error})") from error


def _parse(name: str, value: object, source: str) -> Any:
    """Returns a setting's value in its type; texts come from the environment and from flags."""
    if name not in _FIELDS:
        near = difflib.get_close_matches(name, _FIELDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(_FIELDS))}"
        raise SettingInvalid(name, f"there is no such setting ({source}); {hint}")
    wanted: Any = _FIELDS[name].type
    try:
        if wanted in (Path, Path | None) and isinstance(value, str | Path):
            return Path(value) if str(value) else _FIELDS[name].default
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
        kind = {int: "whole number", float: "number", bool: "true or false", str: "text"}
        given = hide_passwords(repr(value))
        raise SettingInvalid(
            name, f"{given} is no {kind.get(wanted, 'path')} ({source})"
        ) from error


def _parse_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
