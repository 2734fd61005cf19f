"""The one place where errors become words and exit codes."""

from __future__ import annotations

import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import Any

import typer

from thinkllm_drill import __version__
from thinkllm_drill.cli import MODULES, PROGRAM
from thinkllm_drill.cli.cells import visible
from thinkllm_drill.cli.output import hints, paragraph
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import InternalError, ThinkLLMError, UsageError
from thinkllm_drill.locale import text

_INTERRUPTED = 130
_EXTRA = re.compile(r"Got unexpected extra argument\S* \((.*)\)", re.DOTALL)


def report(error: BaseException, session: Session) -> int:
    """Show an error on standard error and return its exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        session.out.clear()
        session.err.write(("\n" if session.err.is_terminal else "") + text("cli.error.interrupted"))
        return _INTERRUPTED
    if hasattr(error, "format_message"):  # the base of the parser's errors has another name in each version of typer
        error = _usage(error, session.args)
    if not isinstance(error, ThinkLLMError) or isinstance(error, InternalError):
        error = _crash(error, session)
    show(error, session)
    if _wants_json(session) and not session.emitted:
        told = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
        session.emit({"error": told})
    return error.exit_code


def _wants_json(session: Session) -> bool:
    """Whether --json was given, also where the parser gave up before it came to it."""
    return session.json or "--json" in takewhile(lambda arg: arg != "--", session.args)


def show(error: ThinkLLMError, session: Session) -> None:
    """Write the message of an error and, after a blank line, what to do."""
    session.out.clear()
    screen = session.err
    message = visible(error.message)
    screen.write(paragraph(screen, message) if screen.is_terminal else message)
    if error.hint:
        screen.write()
        for line in hints(screen, [visible(error.hint)]):
            screen.write(line)


def unknown_verb(name: str, verbs: Sequence[str], path: str = PROGRAM) -> UsageError:
    """The error for a verb that does not exist below `path`, with those that look like it."""
    close = get_close_matches(name, verbs, n=3, cutoff=0.65)
    hint = " · ".join(f"{path} {verb}" for verb in close) if close else f"{path} --help"
    return UsageError(text("cli.error.no_verb", name=name), hint=hint)


def _usage(error: Any, args: Sequence[str]) -> UsageError:
    """The parser's error in our words."""
    ctx = getattr(error, "ctx", None)
    if ctx is not None:
        path = ctx.command_path.split(" [")[0]
    else:
        verb = next((arg for arg in args if arg in MODULES), None)
        path = f"{PROGRAM} {verb}" if verb else PROGRAM
    return UsageError(_words(error), hint=f"{path} --help")


def _words(error: Any) -> str:
    """What the parser says, in the learner's language; its own words where it says something rare."""
    match type(error).__name__:
        case "NoSuchOption":
            message = text("cli.error.no_option", name=error.option_name)
            if error.possibilities:
                message += " " + text("cli.error.did_you_mean", names=", ".join(sorted(error.possibilities)))
            return message
        case "MissingParameter" if error.param is not None:
            return text("cli.error.missing", name=_name(error.param))
        case "BadOptionUsage" if "requires" in error.message:
            return text("cli.error.needs_value", name=error.option_name)
        case "BadParameter" if error.param is not None:
            choices = getattr(error.param.type, "choices", None)
            value, found, _ = error.message.partition(" is not one of ")
            if choices and found:
                allowed = ", ".join(map(str, choices))
                return text("cli.error.not_one_of", name=_name(error.param), value=value, allowed=allowed)
            return text("cli.error.bad_value", name=_name(error.param), problem=error.message)
        case "UsageError" if extra := _EXTRA.fullmatch(error.message):
            return text("cli.error.extra", args=extra[1])
        case "NoArgsIsHelpError":
            return text("cli.error.no_subverb")
        case "UsageError" if error.message == "Missing command.":
            return text("cli.error.no_subverb")
        case _:
            return str(error.format_message())


def _name(param: Any) -> str:
    """A parameter as it is typed."""
    return "/".join(param.opts) if param.param_type_name == "option" else str(param.metavar or param.name.upper())


def _crash(error: BaseException, session: Session) -> InternalError:
    """Our own fault, with the traceback in a file."""
    details = "".join(traceback.format_exception(error))
    header = f"thinkllm-drill {__version__}, Python {sys.version}, {sys.platform}\n"
    header += f"$ {PROGRAM} {' '.join(session.args)}\n\n"
    summary = error.message if isinstance(error, InternalError) else f"{type(error).__name__}: {error}"
    file = _write_crash(header + details, session)
    message = text("cli.error.internal", problem=summary.strip().split("\n")[0])
    steps = [error.hint] if isinstance(error, InternalError) and error.hint else []
    if file:
        steps.append(text("cli.error.report_at", file=short_path(file), url=issues()))
    return InternalError(message, hint="\n".join(steps))


def _write_crash(content: str, session: Session) -> Path | None:
    name = f"crash-{datetime.now():%Y%m%d-%H%M%S-%f}.txt"
    folders: list[Path] = []
    with suppress(OSError):
        folders.append(Path(tempfile.gettempdir()))
    with suppress(Exception):
        folders.insert(0, session.settings.home / "crashes")
    for folder in folders:
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8", errors="backslashreplace")
            return folder / name
    return None


def issues() -> str:
    """Where faults are reported, as the installed package says."""
    from importlib import metadata

    with suppress(metadata.PackageNotFoundError):
        for line in metadata.metadata("thinkllm-drill").get_all("Project-URL") or ():
            label, _, url = line.partition(", ")
            if label.lower() in ("issues", "bug tracker"):
                return str(url)
    return text("cli.error.maintainers")
