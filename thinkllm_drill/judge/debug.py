"""Runs one case of an attempt in this process, unconfined: `breakpoint()`, prints and debuggers work as anywhere.

The judge asks, as it asks a runner: what is called, the expected values and the comparison stay with it. This process
never has the reference. Importing this module imports torch.
"""

from __future__ import annotations

import bdb
import contextlib
import queue
import select
import socket
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from thinkllm_drill.errors import InternalError
from thinkllm_drill.grading.show import show_arguments
from thinkllm_drill.judge import client, daemon, framing, requests
from thinkllm_drill.judge.breakpoints import our_breakpoints
from thinkllm_drill.judge.foreground import Listener, listen
from thinkllm_drill.judge.replay import Asked, CalledBack, Held, Replay, decoded
from thinkllm_drill.judge.runner import Runner
from thinkllm_drill.judge.slow import Watcher
from thinkllm_drill.judge.wire import Decoder
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import Check, CheckRequest

CALLS = ("call", "vjp", "profile")
EARLY = 8
"""So many requests are written down before they run, in case one of them ends the process."""


class DebugEvents(Protocol):
    """Told what happens while a case runs."""

    def on_case(self, check: Check, case: str | None, seed: str) -> None:
        """What is about to run."""

    def on_call(self, call: str, arguments: str | None) -> None:
        """A call of the attempt is about to run."""

    def on_replay(self, replay: Replay) -> None:
        """What was asked up to now is worth keeping."""

    def on_slow(self, line: int, function: str, seconds: float) -> None:
        """A call takes long: the line of the learner's file where it is; called in another thread."""


class Interrupted(KeyboardInterrupt):
    """The learner left in the middle; `traceback` is their own, None where they left a debugger."""

    def __init__(self, traceback: str | None = None) -> None:
        super().__init__()
        self.traceback = traceback


@dataclass(frozen=True)
class Debugged:
    """How the case ended.

    `returned` renders what the attempt showed where that is right; `traceback` is the learner's own, of the exception
    that ended the case.
    """

    check: Check
    seed: str
    case: str | None
    returned: str | None = None
    traceback: str | None = None


def debug(
    request: CheckRequest,
    events: DebugEvents,
    *,
    check: str | None = None,
    probe: Mapping[str, Any] | None = None,
    rules: bool = False,
    limit: float | None = None,
    service: bool = True,
) -> Debugged:
    """Run one case and tell how it ended.

    Args:
        request: the attempt; `case` names a case, and `seed` draws its inputs again.
        events: told what happens.
        check: the check that failed, by its id.
        probe: the probe that failed, as the verdict names it.
        rules: have forbidden calls raise.
        limit: end a call after so many seconds.
        service: ask the warm service.

    Raises:
        Interrupted: the learner left the debugger, or pressed Ctrl-C in the middle of a call.
        ThinkLLMError: nothing could be run.
    """
    torch.set_num_threads(1)
    with listen() as listener, our_breakpoints():
        options = {**request.options, "runner": listener.address, "check": check, "probe": probe}
        message = {**requests.check_request(replace(request, options=options)), "type": "debug"}
        answers = _answers(message, service=service)
        return _Session(listener, answers, events, _kernels(request), request, rules, limit).run()


def _kernels(request: CheckRequest) -> bool:
    from thinkllm_drill.content.library import Library

    return "triton" in Library(Path(request.content)).exercise(request.slug).needs


class _Session:
    """The judge's events on one side, its requests to the attempt on the other."""

    def __init__(
        self,
        listener: Listener,
        answers: queue.SimpleQueue[Any],
        events: DebugEvents,
        kernels: bool,
        request: CheckRequest,
        rules: bool,
        limit: float | None,
    ) -> None:
        self._listener, self._answers, self._events, self._rules = listener, answers, events, rules
        self._limit = limit
        self._replay = Replay(Path(request.file), interpreted=kernels)
        self._case: dict[str, Any] | None = None
        self._runner: _Foreground | None = None

    def run(self) -> Debugged:
        """Serve the attempt until the judge has its verdict."""
        while True:
            ready, _, _ = select.select([self._listener.listening], [], [], 0.02)
            with contextlib.suppress(queue.Empty):
                event = self._answers.get_nowait()
                if (ended := self._heard(event)) is not None:
                    return ended
            if ready and (connection := self._listener.accept()) is not None:
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        while self._case is None:  # it was sent before the judge turned to us
            self._heard(self._answers.get(timeout=30))
        self._runner = _Foreground(connection, self._replay, self._events, rules=self._rules, limit=self._limit)
        try:
            with connection:
                self._runner.serve()
        except framing.FrameError:
            pass
        finally:
            self._runner.watcher.close()
            if any(asked.request["op"] in CALLS for asked in self._replay.asked):
                self._events.on_replay(self._replay)

    def _heard(self, event: Any) -> Debugged | None:
        if isinstance(event, BaseException):
            raise event
        if event["event"] == "problem":
            client.raise_problem(event)
        elif event["event"] == "case":
            self._case = event
            self._events.on_case(Check.from_json(event["check"]), event["case"], event["seed"])
        elif event["event"] == "result":
            assert self._case is not None
            check = Check.from_json(event["check"])
            error = self._runner.error if self._runner is not None and check.status == "error" else None
            own = _own_traceback(error, self._runner.files) if error is not None and self._runner is not None else None
            return Debugged(check, self._case["seed"], self._case["case"], event["returned"], own)
        return None


class _Foreground(Runner):
    """A runner that writes down what it is asked, keeps the last exception, and lets the learner out."""

    def __init__(
        self, connection: socket.socket, replay: Replay, events: DebugEvents, *, rules: bool, limit: float | None
    ) -> None:
        super().__init__(connection)
        self.watcher = Watcher(self._filenames, events.on_slow, limit)
        self._limit = limit
        self.error: BaseException | None = None
        self._replay, self._events, self._rules = replay, events, rules
        self._raw: tuple[bytes, bytes] = (b"", b"")
        self._calling: list[int] = []
        self._depth = 0

    @property
    def files(self) -> set[str | None]:
        """The names of the learner's files in tracebacks."""
        return self._filenames

    def _receive(self) -> dict[str, Any]:
        self._raw = framing.receive(self._connection)
        message = dict(Decoder(self._decode_special).decode(*self._raw))
        if self._calling and ("return" in message or "raise" in message):
            kept = decoded(*self._raw)
            answer = kept["return"] if "return" in kept else RuntimeError(": ".join(kept["raise"]))
            self._replay.answers.setdefault(self._calling.pop(), []).append(answer)
        return message

    def _send(self, message: dict[str, Any]) -> None:
        if "callback" in message:
            self._calling.append(message["callback"])
        super()._send(message)

    def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["op"] == "load":
            request = request if self._rules else {**request, "forbid": []}
            return super()._handle(request)
        kept, place = decoded(*self._raw), len(self._replay.asked)
        self._replay.asked.append(Asked(kept))
        if place < EARLY and request["op"] in CALLS:
            self._events.on_replay(self._replay)
        if self._depth == 0:
            if (told := self._told(kept)) is not None:
                self._events.on_call(*told)
            self.watcher.begin()
        self._depth += 1
        try:
            reply = super()._handle(request)
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.watcher.end()
        made = reply.get("ok")
        number = made if request["op"] in ("place", "local") else self._number(made)
        self._replay.asked[place] = Asked(kept, number)
        return reply

    def _number(self, value: Any) -> int | None:
        """The number under which a value stays here, None for data."""
        number = self._numbers.get(id(value))
        if number is not None and self._objects.get(number) is value:
            return number
        special = self._encode_special(value)
        return None if special is None else int(special["id"])

    def _raised(self, error: BaseException) -> dict[str, Any]:
        if isinstance(error, KeyboardInterrupt) and self.watcher.expired:
            error = TimeoutError(text("debug.limit", seconds=f"{self._limit:g}")).with_traceback(error.__traceback__)
        elif isinstance(error, Interrupted):
            raise error
        elif isinstance(error, (KeyboardInterrupt, bdb.BdbQuit)):
            own = None if isinstance(error, bdb.BdbQuit) else _own_traceback(error, self._filenames)
            raise Interrupted(own) from None
        self.error = error
        return super()._raised(error)

    def _told(self, request: dict[str, Any]) -> tuple[str, str | None] | None:
        """A call of the learner's own code as text, and its arguments; None for what only prepares one."""
        if request["op"] not in CALLS:
            return None
        target, kwargs = request["target"], dict(request.get("kwargs", {}))
        name: Any = target[-1]
        match target:
            case ["object", Held(number)]:
                thing = self._objects.get(number)
                if getattr(thing, "__name__", "") == "prepare":
                    return "load_state_dict(…)", None
                own = getattr(getattr(thing, "__code__", None), "co_filename", None) in self._filenames
                if thing is None or not (own or isinstance(thing, torch.nn.Module)):
                    return None
                name = type(thing).__name__ if isinstance(thing, torch.nn.Module) else thing.__name__
            case ["operator" | "getattr" | "setattr", *_]:
                return None
            case ["method", Held(number), method]:
                name = f"{type(self._objects.get(number)).__name__}.{method}"
        args = request.get("args", ())
        shown = {**{f"[{index}]": _short(arg) for index, arg in enumerate(args)}, **kwargs}
        shown = {key: _short(value) for key, value in shown.items()}
        wrt = request.get("wrt")
        large = {key: value for key, value in shown.items() if not _small(value)}
        named = (key if key in large else f"{key}={value!r}" for key, value in shown.items())
        words = f"{name}({', '.join(named)})" + (f"  ∂ {', '.join(wrt)}" if wrt else "")
        return words, show_arguments(large) or "\n".join(f"{key} = {_kind(value)}" for key, value in large.items())


class _Name:
    """Prints as a word."""

    def __init__(self, word: str) -> None:
        self._word = word

    def __repr__(self) -> str:
        return self._word


def _short(value: Any) -> Any:
    """A value as it is shown among arguments."""
    if isinstance(value, Held):
        return _Name("<object>")
    if isinstance(value, CalledBack):
        return _Name("<function>")
    if type(value) in (list, tuple):
        return type(value)(_short(item) if not isinstance(item, torch.Tensor) else _Name(_kind(item)) for item in value)
    return value


def _small(value: Any) -> bool:
    """Whether a value is shown within the call."""
    return isinstance(value, (bool, int, float, str, type(None), _Name)) and len(repr(value)) <= 24


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"Tensor {tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]} …"


def _own_traceback(error: BaseException, files: set[str | None]) -> str:
    """The traceback of an exception with the learner's own frames alone, as Python prints it."""
    told: traceback.TracebackException | None = traceback.TracebackException.from_exception(error, compact=True)
    first = told
    while told is not None:
        told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename in files])
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    assert first is not None
    return "".join(first.format()).rstrip()


def _answers(message: dict[str, Any], *, service: bool) -> queue.SimpleQueue[Any]:
    """The judge's events, as they come."""
    found: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def read() -> None:
        try:
            for event in client.ask(message, service=service and daemon.forks()):
                found.put(event)
        except Exception as error:
            gone = type(error).__name__ == "_Gone"
            found.put(InternalError(daemon.died().message, hint="thinkllm doctor") if gone else error)

    threading.Thread(target=read, daemon=True).start()
    return found
