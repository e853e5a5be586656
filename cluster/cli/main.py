"""The command line: one verb a file, one meaning an exit code.

    0    done
    1    a bug: the traceback says where
    2    something the user can change: a message on the error stream says what
    130  stopped by Ctrl-C, 143 by SIGTERM; the same command continues

Nothing heavy is imported here, so that help answers at once; each verb imports what it needs when it runs.
"""

import errno
import logging
import signal
from collections.abc import Callable
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from densewalk import __version__
from densewalk.cluster.cli import (
    ablate_command,
    benchmarks_command,
    doctor_command,
    evaluate_command,
    export_command,
    inspect_command,
    merge_command,
    prepare_command,
    pretrain_command,
    purge_command,
    quickstart_command,
    replay_command,
    report_command,
    track_command,
)
from densewalk.datasets.errors import DensewalkError
from densewalk.ssl.train.interruption import Interrupted

__all__ = ["app", "main"]

_ENVIRONMENT_FAULTS = {
    *(errno.EACCES, errno.EDQUOT, errno.EMFILE, errno.ENFILE),
    *(errno.ENOMEM, errno.ENOSPC, errno.EPERM, errno.EROFS),
}
"""What the operating system refuses for reasons outside this program."""

_VERBS: dict[str, Callable[..., None]] = {
    "doctor": doctor_command.doctor,
    "quickstart": quickstart_command.quickstart,
    "prepare": prepare_command.prepare,
    "replay": replay_command.replay,
    "inspect": inspect_command.inspect,
    "merge": merge_command.merge,
    "pretrain": pretrain_command.pretrain,
    "evaluate": evaluate_command.evaluate,
    "benchmarks": benchmarks_command.benchmarks,
    "ablate": ablate_command.ablate,
    "track": track_command.track,
    "report": report_command.report,
    "export": export_command.export,
    "purge": purge_command.purge,
}


class Terminated(KeyboardInterrupt):
    """SIGTERM, taken as Ctrl-C is."""


class Verbs(TyperGroup):
    """Turns what a verb raises into a message and an exit code; bugs keep their traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except DensewalkError as error:
            raise _leave(str(error), 2) from error
        except Interrupted as error:
            raise _leave(str(error), error.exit_code) from error
        except KeyboardInterrupt as error:
            stopped = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
            raise _leave(f"stopped by {stopped.name}; repeat the command to continue", 128 + stopped) from error
        except MemoryError as error:
            raise _leave(
                f"not enough memory: {error or 'none is given'}; lower batch_size, or run fewer processes at a time",
                2,
            ) from error
        except OSError as error:
            if error.errno not in _ENVIRONMENT_FAULTS:
                raise
            raise _leave(str(error), 2) from error


class EchoHandler(logging.Handler):
    """Shows what the library logs as lines on the error stream, whatever that stream is at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one line."""
        typer.echo(f"densewalk: {record.getMessage()}", err=True)


app = typer.Typer(
    name="densewalk",
    cls=Verbs,
    help="Dense self-supervised learning from video: corpora, random-walk pretraining, dense evaluation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _name, _verb in _VERBS.items():
    app.command(_name)(_verb)


def main() -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _terminate)
    app(prog_name="densewalk")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"densewalk {__version__}")
        raise typer.Exit


@app.callback()
def _densewalk(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    logger = logging.getLogger("densewalk")
    logger.handlers = [EchoHandler()]
    logger.setLevel(logging.INFO)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def _leave(message: str, code: int) -> SystemExit:
    typer.echo(f"densewalk: {message}", err=True)
    return SystemExit(code)
