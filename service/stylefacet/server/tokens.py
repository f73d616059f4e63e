"""Bearer tokens: made, kept as hashes in a file, recognised; knows no call and no transport.

A token is 256 random bits, so one round of SHA-256 hides it: there is nothing to guess. The file is
TOML, one table a token, and holds no secret.
"""

import hashlib
import hmac
import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from stylefacet.errors import SettingInvalid

# Makes tokens known to scanners for leaked secrets.
PREFIX = "sf_"
_SECRET_BYTES = 32
# Longer than any token; what is longer is not even hashed.
_MAX_TOKEN_LENGTH = 256
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEYS = frozenset({"name", "scope", "sha256", "created", "expires"})


class Scope(StrEnum):
    """What a token may do; writing includes reading."""

    READ = "read"
    WRITE = "write"

    def allows(self, needed: "Scope") -> bool:
        """Returns whether a token of this scope may do what needs the other."""
        return self is Scope.WRITE or needed is Scope.READ


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: its name, its scope, the SHA-256 of its text in hexadecimal."""

    name: str
    scope: Scope
    sha256: str
    create_time: datetime
    expire_time: datetime | None = None


def make_token(
    name: str, scope: Scope, create_time: datetime, expire_time: datetime | None = None
) -> tuple[str, Token]:
    """Returns the text of a new token, which is kept nowhere, and what to keep of it.

    Raises:
        SettingInvalid: for a name that cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise SettingInvalid(
            "name", f"{name!r} is not 1 to 64 letters, digits, dots, dashes or underscores"
        )
    text = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    return text, Token(name, scope, _digest(text), create_time, expire_time)


def find_token(tokens: Iterable[Token], text: str, now: datetime) -> Token | None:
    """Returns the token whose text is given, unless it has expired.

    Takes as long whichever it is: every digest is compared, each in constant time.
    """
    if len(text) > _MAX_TOKEN_LENGTH:
        return None
    digest = _digest(text)
    found = None
    for token in tokens:
        if hmac.compare_digest(token.sha256, digest):
            found = token
    if found is None or (found.expire_time is not None and found.expire_time <= now):
        return None
    return found


def read_tokens(path: Path) -> tuple[Token, ...]:
    """Returns the tokens in a file.

    Raises:
        SettingInvalid: when it cannot be read or is malformed.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingInvalid("tokens_file", f"{path} cannot be read ({error})") from error
    tables = document.pop("tokens", [])
    if document or not isinstance(tables, list):
        raise SettingInvalid("tokens_file", f"{path} holds more than [[tokens]] tables")
    tokens = tuple(_read(path, place, table) for place, table in enumerate(tables, start=1))
    names = [token.name for token in tokens]
    for name in names:
        if names.count(name) > 1:
            raise SettingInvalid("tokens_file", f"{path} names {name!r} twice")
    return tokens


def write_tokens(path: Path, tokens: Sequence[Token]) -> None:
    """Puts tokens in place of a file's, whole or not at all; only its owner may read a new one.

    Raises:
        SettingInvalid: when it cannot be written.
    """
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write("# Who may come in. `stylefacet tokens` writes this file.\n")
                file.writelines(map(_write, tokens))
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, mode)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise SettingInvalid(
            "tokens_file", f"{path} cannot be written ({error.strerror})"
        ) from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path, place: int, table: Any) -> Token:
    try:
        if set(table) - _KEYS:
            raise ValueError(f"{sorted(set(table) - _KEYS)[0]!r} is no key")
        name, digest, expires = str(table["name"]), str(table["sha256"]), table.get("expires")
        if not _NAME.fullmatch(name) or not _DIGEST.fullmatch(digest):
            raise ValueError("name or sha256 is malformed")
        for moment in (table["created"], expires):
            if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
                raise ValueError("a time lacks its zone")
        return Token(name, Scope(table["scope"]), digest, table["created"], expires)
    except KeyError as error:
        raise SettingInvalid("tokens_file", f"{path}, token {place}: {error} is missing") from error
    except (TypeError, ValueError) as error:
        raise SettingInvalid("tokens_file", f"{path}, token {place}: {error}") from error


def _write(token: Token) -> str:
    lines = [
        "",
        "[[tokens]]",
        f'name = "{token.name}"',
        f'scope = "{token.scope}"',
        f'sha256 = "{token.sha256}"',
        f"created = {token.create_time.isoformat(timespec='seconds')}",
    ]
    if token.expire_time is not None:
        lines.append(f"expires = {token.expire_time.isoformat(timespec='seconds')}")
    return "\n".join(lines) + "\n"
