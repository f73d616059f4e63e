"""How the command ends: one line for any failure, and the exit code; knows no command.

0 is success, 1 a failure, 2 something given that cannot be used, 130 an interruption.
"""

import errno
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

import click

from stylefacet.errors import (
    BackupInvalid,
    BundleInvalid,
    Code,
    EncoderMismatch,
    SettingInvalid,
    StoreCorrupt,
    StoreUnwritable,
    StylefacetError,
)

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
# For these a server does not start until it is given something else.
_UNUSABLE = (
    BackupInvalid,
    BundleInvalid,
    EncoderMismatch,
    SettingInvalid,
    StoreCorrupt,
    StoreUnwritable,
)


class Program(click.Group):
    """A click group that reports every deliberate failure in one line on stderr."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs the command and, in standalone mode, exits with its code."""
        # gRPC's core writes lines of its own to stderr; what matters reaches us as an error.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        run = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        sys.exit(_exit_code(run))


def give_up(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Ends the command with one line on stderr."""
    _tell(message, code)
    raise click.exceptions.Exit(code)


def typed_program() -> str:
    """Returns the program as it must be typed to run again: by its path where PATH lacks it."""
    typed = sys.argv[0]
    name = os.path.basename(typed)
    found = shutil.which(name)
    if found is not None and os.path.exists(typed) and os.path.samefile(found, typed):
        return shlex.quote(name)
    return shlex.quote(typed)


def _exit_code(run: Callable[[], Any]) -> int:
    """Runs a command, tells of its failure if it fails, and returns its exit code."""
    try:
        code = run()
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return EXIT_USAGE
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "stylefacet"
        return _tell(f"{error.format_message()} (see {command} --help)", EXIT_USAGE)
    except click.ClickException as error:
        return _tell(error.format_message(), error.exit_code)
    except StylefacetError as error:
        wrong_input = error.code is Code.INVALID_ARGUMENT or isinstance(error, _UNUSABLE)
        return _tell(_message(error), EXIT_USAGE if wrong_input else EXIT_FAILED)
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.errno == errno.EPIPE:
            _forget_stdout()
            return EXIT_FAILED
        place = f"{error.filename}: " if error.filename else ""
        return _tell(f"{place}{error.strerror or error}", EXIT_FAILED)


def _message(error: StylefacetError) -> str:
    request_id = error.metadata.get("request_id", "")
    internal = error.code is Code.INTERNAL and request_id
    return f"{error.message} (request {request_id})" if internal else error.message


def _tell(message: str, code: int) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    return code


def _forget_stdout() -> None:
    """Whoever read our output is gone; Python's own flush at exit must not complain of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
