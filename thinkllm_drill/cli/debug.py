"""`thinkllm debug`: one case in the foreground, unconfined, with `breakpoint()`, prints and the learner's traceback."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkllm_drill.cli import completion, preflight
from thinkllm_drill.cli.causes import failures
from thinkllm_drill.cli.cells import visible, width, wrap_text
from thinkllm_drill.cli.check import hex_seed
from thinkllm_drill.cli.grade import Options, request_of, target_of
from thinkllm_drill.cli.output import hints
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import text
from thinkllm_drill.progress.events import source_hash
from thinkllm_drill.verdict import EXIT_CODES, Check, Verdict

if TYPE_CHECKING:
    from thinkllm_drill.cli.reproduce import Reproduction
    from thinkllm_drill.judge.debug import Debugged
    from thinkllm_drill.judge.replay import Replay

_SHOWN_CALLS = 12


@dataclass(frozen=True)
class _Failed:
    """The check that failed in the last verdict on a file, and with which seed."""

    check: Check
    seed: str
    changed: bool
    """Whether the file is another one by now."""


def command(
    ctx: typer.Context,
    target: Annotated[str | None, typer.Argument(metavar="SLUG|FILE", autocompletion=completion.slugs)] = None,
    case: Annotated[str | None, typer.Option("--case", metavar="NAME")] = None,
    seed: Annotated[str | None, typer.Option("--seed", metavar="HEX")] = None,
    limit: Annotated[float | None, typer.Option("--limit", metavar="SECONDS", min=0.1)] = None,
    no_service: Annotated[bool, typer.Option("--no-service")] = False,
) -> int:
    """Run the failing case in this terminal."""
    session = Session.of(ctx)
    if no_service:
        session.override("service", "off")
    seed = hex_seed(seed)
    slug, path = target_of(session, target)
    source = session.workspace.read(path)
    last, known = _last(session, slug, path, source)
    show = _Show(session, slug, path)
    request = request_of(session, slug, path, source, Options(seed or (last.seed if last else None), case, None))
    static = preflight.static_verdict(request, session.entries[slug])
    if static is not None:
        return show.static(static)
    show.begin(last, known=known, case=case)
    with show.prints():
        from thinkllm_drill.judge.debug import debug

        failed = last.check if last is not None else None
        try:
            debugged = debug(
                request,
                show,
                check=failed.id if failed else None,
                probe=failed.cause.probe if failed and failed.cause else None,
                rules=failed is not None and (failed.kind == "rules" or failed.status == "rule"),
                limit=limit,
                service=session.settings.service,
            )
        except KeyboardInterrupt as error:
            show.left(getattr(error, "traceback", None))
            raise
    return show.end(debugged)


def _last(session: Session, slug: str, path: Path, source: bytes) -> tuple[_Failed | None, bool]:
    """What failed in the last verdict on this file, and whether there is one."""
    for event in reversed(session.store.events(slug) if session.has_progress else []):
        payload = event.payload
        if payload.get("file") != str(path) or not isinstance(payload.get("verdict"), dict):
            continue
        verdict = Verdict.from_json(payload["verdict"])
        failure = verdict.failure
        if failure is None or failure.status == "not_started":
            return None, True
        return _Failed(failure, verdict.seed, event.source_hash != source_hash(source)), True
    return None, False


class _Show:
    """What is on the screen around the learner's own output; hears of what happens while the case runs."""

    def __init__(self, session: Session, slug: str, path: Path) -> None:
        self._session, self._slug, self._path = session, slug, path
        self._screen = session.err if session.json else session.out
        self._calls = 0
        self._saved: Reproduction | None = None

    def static(self, verdict: Verdict) -> int:
        """What can be said of a file that cannot be run."""
        if self._session.json:
            self._session.emit(self._contract(verdict.failure, verdict.status, verdict.seed, None))
            return verdict.exit_code
        self._title()
        for block in failures(self._screen, verdict):
            self._screen.write(block)
        return verdict.exit_code

    def begin(self, last: _Failed | None, *, known: bool, case: str | None) -> None:
        """Say what will be run, before torch is there."""
        if self._session.json:
            return
        self._title()
        if last is None and case is None:
            self._screen.write(text("debug.first_passed" if known else "debug.first_unknown"))
        elif last is not None and last.changed and case is None:
            for line in self._wrapped(text("debug.changed"), 0):
                self._screen.write(line)
        self._screen.transient(f"  {text('debug.starting')}")

    @contextlib.contextmanager
    def prints(self) -> Iterator[None]:
        """Where the learner's prints go: to the terminal, beside the JSON object if there is one."""
        try:
            with contextlib.redirect_stdout(sys.stderr) if self._session.json else contextlib.nullcontext():
                yield
        finally:
            self._screen.clear()

    def on_case(self, check: Check, case: str | None, seed: str) -> None:
        """Say which case it is."""
        screen = self._screen
        what = " · ".join(part for part in (check.kind, visible(case or check.title)) if part)
        note = screen.paint(text("cli.check.seed", seed=seed), "dim")
        lines = [screen.paint(line, "heading") for line in self._wrapped(what, 0)]
        fits = len(lines) == 1 and width(what) + width(text("cli.check.seed", seed=seed)) + 4 <= screen.width
        lines = [f"{lines[0]}    {note}"] if fits or not screen.is_terminal else [*lines, note]
        screen.write("\n".join(lines))

    def on_call(self, call: str, arguments: str | None) -> None:
        """Show a call and its arguments."""
        self._calls += 1
        if self._calls > _SHOWN_CALLS:
            return
        screen = self._screen
        first, *more = self._wrapped(visible(call), 2)
        screen.write("\n" + "\n".join(f"  {screen.paint(line, 'code')}" for line in (first, *more)))
        for line in visible(arguments or "").split("\n") if arguments else ():
            screen.write(f"    {line}")
        if self._calls == _SHOWN_CALLS:
            screen.write("\n  " + screen.paint(text("debug.more_calls"), "dim"))
        screen.stream.flush()

    def _wrapped(self, words: str, indent: int) -> list[str]:
        """The words in lines that fit a terminal."""
        screen = self._screen
        return (wrap_text(words, screen.text_width - indent) or [""]) if screen.is_terminal else [words]

    def on_replay(self, replay: Replay) -> None:
        """Write down what was asked."""
        from thinkllm_drill.cli.reproduce import save

        folder = self._session.settings.home / "debug" / self._path.stem
        try:
            self._saved = save(replay, folder, self._saved)
        except (OSError, RuntimeError) as error:  # torch says RuntimeError where the disk is full
            reason = getattr(error, "strerror", None) or str(error).split("\n")[0]
            self._screen.write(text("debug.not_saved", folder=short_path(folder), reason=reason))

    def on_slow(self, line: int, function: str, seconds: float) -> None:
        """Say where a call is that takes long."""
        where = text("cli.check.line_in", line=line, function=visible(function))
        words = text("debug.slow", seconds=f"{seconds:.0f}", where=where)
        self._session.err.write("\n".join(self._session.err.paint(each, "warn") for each in self._wrapped(words, 0)))

    def left(self, traceback: str | None) -> None:
        """The learner has left in the middle; shows their own traceback if there is one."""
        if traceback is not None:
            self._session.err.write()
            for line in visible(traceback).split("\n"):
                self._session.err.write(f"  {line}")
        if self._saved is not None and not self._session.json:
            self._screen.write()
            self._files(self._saved)

    def end(self, debugged: Debugged) -> int:
        """Show what came of it."""
        check = debugged.check
        passed = check.status == "passed"
        code = 0 if passed else EXIT_CODES["internal" if check.status == "internal" else "failed"]
        if self._session.json:
            self._session.emit(self._contract(check, "passed" if passed else "failed", debugged.seed, debugged.case))
            return code
        screen = self._screen
        screen.write()
        if passed:
            self._right(debugged)
        else:
            self._wrong(debugged)
        if self._saved is not None:
            screen.write()
            self._files(self._saved)
        again = f"thinkllm check {self._slug}"
        screen.write()
        for line in hints(screen, [again if passed else text("debug.stop", command="breakpoint()", again=again)]):
            screen.write(line)
        return code

    def _right(self, debugged: Debugged) -> None:
        screen = self._screen
        if debugged.returned:
            label = text("debug.returned")
            first, *more = visible(debugged.returned).split("\n")
            screen.write(f"    {label}   {first}")
            for line in more:
                screen.write(" " * (width(label) + 7) + line)
        screen.write(f"  {screen.paint(screen.symbol('ok'), 'ok')} {text('debug.right')}")

    def _wrong(self, debugged: Debugged) -> None:
        check, screen = debugged.check, self._screen
        cause = check.cause
        if debugged.traceback is not None and cause is not None:
            for line in visible(debugged.traceback).split("\n"):
                screen.write(f"  {line}")
            shapes = "\n".join(cause.message.split("\n")[1:])
            cause = replace(cause, frames=(), message=shapes)
        check = replace(check, cause=None if cause is None else replace(cause, case=None, inputs=None))
        verdict = Verdict(self._slug, str(self._path), "failed", debugged.seed, 0.0, checks=(check,))
        for block in failures(screen, verdict):
            if block.strip():
                screen.write(block)

    def _files(self, saved: Reproduction) -> None:
        rows = [(text("debug.inputs"), saved.inputs), (text("debug.script"), saved.script)]
        if saved.kept is not None:
            rows.append((text("debug.kept"), saved.kept))
        size = max(width(label) for label, _ in rows)
        for label, file in rows:
            if file is not None:
                self._screen.write(f"  {label}{' ' * (size - width(label))}  {visible(short_path(file))}")

    def _title(self) -> None:
        screen = self._screen
        title = screen.paint(self._session.entries[self._slug].here, "title")
        screen.write(f"{title} · {visible(short_path(self._path))}\n")

    def _contract(self, check: Check | None, status: str, seed: str, case: str | None) -> dict[str, Any]:
        saved = self._saved
        return {
            "slug": self._slug,
            "file": str(self._path),
            "passed": status == "passed",
            "status": status,
            "seed": seed,
            "case": case,
            "check": None if check is None else asdict(check),
            "inputs": None if saved is None or saved.inputs is None else str(saved.inputs),
            "script": None if saved is None else str(saved.script),
        }
