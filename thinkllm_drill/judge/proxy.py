"""The learner's module as the judge sees it: every name, call and object of it lives in a runner.

`attempt.softmax(x)` calls there and returns data; `attempt.Cache(…)` returns a remote object; functions passed in are
called back here. What the reply does not allow to be told apart (identity, memory, Python tricks) does not reach us.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from thinkllm_drill.judge import framing, replies
from thinkllm_drill.judge.changes import changed_arguments
from thinkllm_drill.judge.failures import (
    AttemptDied,
    AttemptRaised,
    AttemptTimeout,
    ContractBroken,
    GradeFailure,
)
from thinkllm_drill.judge.launch import Launcher
from thinkllm_drill.judge.limits import Limits
from thinkllm_drill.judge.link import Capture, Link, remaining
from thinkllm_drill.judge.profile import Cost
from thinkllm_drill.judge.remote import UNTOLD, Local, PlacedTensor, Raised, RemoteMethod, RemoteName, RemoteObject
from thinkllm_drill.judge.under_way import MAX_BYTES, Script, UnderWay
from thinkllm_drill.judge.wire import Decoder, Encoder, Opaque, WireError, as_record
from thinkllm_drill.locale import text

_MISSHAPEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError)
LET_GO_SECONDS = 0.2
ANSWERS = ("call", "vjp", "profile", "value")
"""Requests whose answers tell one attempt from another; those of the rest are numbers of objects."""


def _as_it_is(answer: Any) -> Any:
    return answer


class Attempt:
    """A proxy of one source file.

    Args:
        launcher: where runners come from; a fresh one is started after a crash.
        source: the bytes to grade.
        filename: what tracebacks call them.
        forbid: dotted names that must not be called.
        limits: time, memory and output.
        capture: takes what is printed.
        interrupted: asked while waiting; raises to stop the grading.
        deadline: of the whole verdict, by `time.monotonic`.
        kernels: the source holds Triton kernels, run by Triton's interpreter.
    """

    def __init__(
        self,
        launcher: Launcher,
        source: bytes,
        filename: str,
        *,
        forbid: Sequence[str] = (),
        limits: Limits | None = None,
        capture: Capture | None = None,
        interrupted: Callable[[], None] | None = None,
        deadline: float | None = None,
        kernels: bool = False,
    ) -> None:
        self._launcher = launcher
        self._source, self._filename, self._forbid = source, filename, tuple(forbid)
        self._limits = limits or Limits()
        self._capture = capture or Capture()
        self._interrupted = interrupted
        self._deadline = deadline or time.monotonic() + self._limits.verdict_seconds
        self._generation = self._asked = 0
        self._loaded = -1
        self._link: Link | None = None
        self._callbacks: dict[int, Callable[..., Any]] = {}
        self._numbers: dict[int, int] = {}
        self._names: tuple[str, ...] = ()
        self._under_way = UnderWay()
        self._pending: BaseException | None = None
        self._locals: dict[str, int] = {}
        self._changed: list[str] = []
        self._kernels = kernels
        self.on_changed: Callable[[list[str]], None] | None = None
        self.launches = 0
        self.asks_ahead = True
        self.log: list[Any] | None = None
        self.intermediates: dict[str, Any] | None = None

    # the learner's names

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> RemoteName:
        self._ready()
        if name not in self._names:
            raise ContractBroken(text("grading.missing_name", name=name))
        return RemoteName(self, name)

    def describe(self, names: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """Kind and parameters of each name, None for those that are not defined."""
        self._ready()
        found: dict[str, Any] = self._ask({"op": "describe", "names": list(names)}, dict)
        return found

    def load(self) -> tuple[str, ...]:
        """Start a runner if there is none and return the names that the file defines."""
        self._ready()
        return self._names

    def become(self, source: bytes) -> None:
        """Go on as a proxy of other source, in the same runner while it lives: for trusted sources only."""
        self._source, self._generation = source, self._generation + 1
        self._deadline = time.monotonic() + self._limits.verdict_seconds
        self._capture.clear()

    def limit(self, limits: Limits) -> None:
        """Go on under other limits."""
        self._limits = limits

    def expect(self) -> None:
        """Have a runner be made ready, if there is none: it is going to be needed."""
        if self._link is None:
            self._launcher.warm_up()

    def close(self) -> None:
        """End the runner."""
        if self._link is not None:
            self._link.close()
            self._link = None

    # what graders use beside the names

    def place(self, tensor: Tensor) -> PlacedTensor:
        """A copy of the tensor that lives in the runner, with an identity and a `.grad` of its own."""
        self._ready()
        return PlacedTensor(self, self._ask({"op": "place", "value": tensor}, int), tuple(tensor.shape))

    def local(self, source: str, foretold: Any = UNTOLD) -> Local:
        """The function that `source` evaluates to, made in the runner; `torch` is known there. It can be called too.

        An expression (a lambda), or a `def`. `foretold` is what it returns where nothing is wrong.
        """
        return Local(self, source, foretold)

    def outcome(self, thunk: Callable[[], Any]) -> Any:
        """The result of `thunk()`, or the exception that the attempt raised in it, as a value to compare."""
        try:
            return thunk()
        except AttemptRaised as failure:
            return Raised(failure.type_name, failure.bases, failure)

    def vjp(
        self,
        target: RemoteName | RemoteObject,
        inputs: Mapping[str, Any],
        wrt: Sequence[str],
        cotangents: Mapping[int, Tensor] | None,
    ) -> tuple[Any, dict[str, Tensor]]:
        """The output and the gradients with respect to `wrt`; see `judge.autodiff.vjp`."""
        request = self._vjp_request(target, inputs, wrt, cotangents)
        output, gradients = self._ask(request, lambda answer: (answer[0], dict(answer[1])))
        return output, gradients

    @staticmethod
    def _vjp_request(
        target: RemoteName | RemoteObject,
        inputs: Mapping[str, Any],
        wrt: Sequence[str],
        cotangents: Mapping[int, Tensor] | None,
    ) -> dict[str, Any]:
        request: dict[str, Any] = {"op": "vjp", "target": target._target(), "kwargs": dict(inputs), "wrt": list(wrt)}
        return request | {"cotangents": cotangents and dict(cotangents)}

    def profile(
        self,
        target: RemoteName | RemoteObject | RemoteMethod | str,
        /,
        *args: Any,
        saved: bool = False,
        instructions: bool = False,
        **inputs: Any,
    ) -> Cost:
        """What the call costs; `saved` and `instructions` ask for what takes longer, see `judge.profile.Cost`."""
        if isinstance(target, str):
            target = self[target]
        request: dict[str, Any] = {"op": "profile", "target": target._target(), "args": args, "kwargs": inputs}
        request |= {"saved": saved, "instructions": instructions}
        cost: Cost = self._ask(request, lambda answer: Cost(**answer))
        return cost

    @property
    def changed(self) -> list[str]:
        """Names of the arguments that the last call changed."""
        return self._changed

    @property
    def printed(self) -> str:
        """What the attempt printed up to now."""
        if self._link is not None and self._link.alive:
            self._link.drain()
        return self._capture.text()

    # what is asked before it is needed

    def send_ahead(self, script: Script) -> bool:
        """Send the requests of a scenario that is going to run; whether that was possible.

        Scenarios then have to run in the order in which they were announced, each in `following` its script.
        """
        link = self._link
        if link is None or not link.alive or self._loaded != self._generation:
            return False
        if not self.asks_ahead or self._callbacks or self._under_way.size + script.size > MAX_BYTES:
            return False
        for source, number in script.functions.items():
            if self._locals.get(source) != number:
                self._locals[source] = self._ask({"op": "local", "source": source, "as": number}, int)
        self._under_way.send_ahead(script)
        for frame in script.frames:
            link.send(frame.message, remaining(self._deadline, self._limits.call_seconds))
        return True

    @contextlib.contextmanager
    def following(self, script: Script | None) -> Iterator[None]:
        """While the scenario of a script runs, or of none; `Astray` ends one that has to be run without its script."""
        self._under_way.begin(script)
        try:
            yield
        finally:
            self._under_way.begin(None)

    def let_go(self) -> None:
        """Want no answer to what was sent ahead; a runner that does not come to an end with it is stopped."""
        self._under_way.scripts.clear()
        deadline = time.monotonic() + LET_GO_SECONDS
        with contextlib.suppress(GradeFailure):
            while self._under_way.owed and self._link is not None and self._link.alive:
                reply = self._decode(*self._link.receive(max(0.001, deadline - time.monotonic())))
                if "callback" in reply:
                    self.close()
                self._under_way.owed.popleft()
        self._under_way.answers.clear()

    # requests

    def _ready(self) -> None:
        if self._link is None or not self._link.alive:
            self._link, self._loaded = Link(self._launcher, self._limits, self._capture, self._interrupted), -1
            self._locals.clear()
            self._under_way = UnderWay()
        if self._loaded != self._generation:
            self._load()
            self._loaded = self._generation

    def _load(self) -> None:
        request: dict[str, Any] = {
            "op": "load",
            "module": self._module,
            "filename": self._filename,
            "source": self._source,
        }
        request["forbid"], request["kernels"] = list(self._forbid), self._kernels
        self._names = self._ask(request, lambda answer: tuple(map(str, answer)))

    @property
    def _module(self) -> str:
        return f"attempt{self._generation or ''}"

    def _call(self, target: list[Any], args: Sequence[Any], kwargs: Mapping[str, Any], *, keep: bool = False) -> Any:
        request = {"op": "call", "target": target, "args": list(args), "kwargs": dict(kwargs), "keep": keep}
        if self.intermediates is not None:
            request["intermediates"] = list(self.intermediates)
        return self._ask(request)

    def _ask(self, request: dict[str, Any], read: Callable[[Any], Any] = _as_it_is) -> Any:
        """The answer to one request, as `read` takes it; objects of a runner that has ended cannot be asked."""
        if self._link is None or not self._link.alive:
            raise AttemptDied(text("grading.no_answer"))
        if time.monotonic() > self._deadline:
            raise AttemptTimeout(text("grading.verdict_timeout", seconds=f"{self._limits.verdict_seconds:g}"))
        reply = self._conversation(self._link, request)
        try:
            failure = AttemptRaised(reply["raised"]) if "raised" in reply else None
            changed = changed_arguments(request, reply) if "changed" in reply else None
            answer = None if failure is not None or reply.get("forbidden") else read(reply["ok"])
            launches = int(reply.get("launches", 0))
            dict(reply.get("intermediates", {}))
            self._raise_if_failed(failure, reply.get("forbidden", ()))
        except _MISSHAPEN as error:
            raise self._malformed(error) from None
        self.launches = launches
        if self.intermediates is not None:
            self.intermediates |= reply.get("intermediates", {})
        if changed is not None:
            self._changed = changed
            if self.on_changed is not None:
                self.on_changed(changed)
        if self.log is not None and request["op"] in ANSWERS:
            self.log.append(reply["ok"])
        return answer

    def _raise_if_failed(self, failure: AttemptRaised | None, hits: Sequence[Mapping[str, Any]]) -> None:
        replies.raise_if_failed(failure, hits, self._limits)

    def _conversation(self, link: Link, message: dict[str, Any]) -> dict[str, Any]:
        """The reply to a request, after the callbacks that come before it.

        What a grader's function fails with is raised in place of whatever the attempt makes of it.
        """
        under_way = self._under_way
        left = self._limits.call_seconds  # for what the attempt does, not for what it has called here
        try:
            number = under_way.number_of(message)
            if number is None:
                self._asked += 1
                number = self._asked
                start = self._sent(link, message | {"number": number}, left)
                under_way.owed.append(number)
            else:
                start = time.monotonic()
            while number not in under_way.answers:
                reply = self._decode(*link.receive(remaining(self._deadline, left)))
                left -= time.monotonic() - start
                if "callback" in reply:
                    if left <= 0 or time.monotonic() > self._deadline:
                        self.close()
                        raise AttemptTimeout(text("grading.timeout", seconds=f"{self._limits.call_seconds:g}"))
                    start = self._sent(link, self._called_back(reply), left)
                    continue
                start = time.monotonic()
                try:
                    under_way.answer(reply)
                except ValueError as error:
                    raise self._malformed(error) from None
        finally:
            pending, self._pending = self._pending, None
            if pending is not None:
                raise pending
        return under_way.answers.pop(number)

    def _sent(self, link: Link, message: dict[str, Any], left: float) -> float:
        """Send a message; when that was begun."""
        data = framing.pack(*self._encode(message))
        start = time.monotonic()
        link.send(data, remaining(self._deadline, left))
        return start

    def _called_back(self, reply: dict[str, Any]) -> dict[str, Any]:
        """The answer to a callback; what is asked from within it is answered before what is under way."""
        owed, self._under_way.owed = self._under_way.owed, deque()
        try:
            return self._call_back(reply)
        finally:
            self._under_way.owed = owed

    def _encode(self, message: dict[str, Any]) -> tuple[bytes, bytes]:
        return Encoder(self._encode_special).encode(message)

    def _decode(self, tree: bytes, blob: bytes) -> dict[str, Any]:
        try:
            reply = Decoder(self._decode_special).decode(tree, blob)
            if not isinstance(reply, dict) or not reply.keys() & {"ok", "raised", "callback"}:
                raise WireError("a reply of no known form")
            return reply
        except WireError as error:
            raise self._malformed(error) from None

    def _malformed(self, error: Exception) -> AttemptDied:
        self.close()
        return AttemptDied(text("grading.malformed", problem=str(error)))

    def _call_back(self, reply: dict[str, Any]) -> dict[str, Any]:
        """Run a function of the grader's that the attempt called; what it does wrong is raised after the call."""
        try:
            function = self._callbacks[reply["callback"]]
            args, kwargs = tuple(reply["args"]), dict(reply["kwargs"])
        except _MISSHAPEN as error:
            raise self._malformed(error) from None
        try:
            return {"return": function(*args, **kwargs)}
        except GradeFailure as failure:
            self._pending = failure
            return {"raise": ["RuntimeError", str(failure)]}
        except Exception as error:
            return {"raise": [type(error).__name__, str(error)]}

    # values of our own

    def _encode_special(self, value: Any) -> dict[str, Any] | None:
        if isinstance(value, RemoteObject):
            return {"$": "ref", "id": value._number}
        if isinstance(value, Local):
            if value.source not in self._locals:
                self._locals[value.source] = self._ask({"op": "local", "source": value.source}, int)
            return {"$": "ref", "id": self._locals[value.source]}
        if isinstance(value, RemoteName):
            return {"$": "ref", "id": value._resolve()._number}
        if callable(value) and not isinstance(value, type | torch.Tensor) and as_record(value) is None:
            return {"$": "callback", "id": self._callback_number(value)}
        return None

    def _callback_number(self, function: Callable[..., Any]) -> int:
        number = self._numbers.get(id(function))
        if number is None or self._callbacks[number] is not function:
            number = len(self._callbacks) + 1
            self._numbers[id(function)], self._callbacks[number] = number, function
        return number

    def _decode_special(self, kind: str, node: dict[str, Any], decode: Any) -> Any:
        if kind != "ref":
            return NotImplemented
        opaque = Opaque(int(node["id"]), str(node["kind"]), str(node["type"]), bool(node["is_tensor"]))
        return RemoteObject(self, opaque)
