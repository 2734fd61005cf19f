"""The untrusted process: loads one attempt and answers calls until its connection closes.

It knows no reference, no expected value, no seed and no tolerance: all it can send is an answer.

Messages are dictionaries. Requests: prepare, load, describe, call, vjp, profile, place, value, local. Replies hold `ok`
(the result), `raised` (the exception) or `callback` (a function of the judge's to be called now), and the number
of the request, so that none is taken for the answer to another.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import itertools
import linecache
import operator
import socket
import sys
import threading
import types
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import torch

from thinkllm_drill.judge import autodiff, eager, forbidden, framing, kernels, profile, trace
from thinkllm_drill.judge.changes import Outputs, copied, given, is_as_copied
from thinkllm_drill.judge.intermediates import collected
from thinkllm_drill.judge.wire import Decoder, Encoder, WireError, as_record, builtin_exception, safe_str

OPERATORS = {
    name: getattr(operator, name)
    for name in [
        "add",
        "sub",
        "mul",
        "truediv",
        "floordiv",
        "mod",
        "pow",
        "matmul",
        "neg",
        "pos",
        "abs",
        "invert",
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "and_",
        "or_",
        "xor",
        "getitem",
        "setitem",
        "delitem",
        "contains",
    ]
} | {"len": len, "iter": iter, "next": next, "bool": bool, "str": str, "repr": repr, "hash": hash, "float": float}


_CONTAINERS = (list, tuple, dict, set, frozenset)
_SCALARS = (type(None), bool, int, float, str, bytes)


class CannotBuild(Exception):
    """A dataclass of the attempt could not be built from the fields that were sent."""

    def __init__(self, reason: Exception) -> None:
        super().__init__()
        self.reason = reason


class Runner:
    """Serves one connection; objects that cannot be sent stay here and are known by number."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._counter = itertools.count(1)
        self._modules: dict[str, types.ModuleType] = {}
        self._filenames: set[str | None] = set()
        self._current = ""
        self._stubs: dict[int, Any] = {}
        self._lock = threading.RLock()
        self._handlers = {
            "prepare": self._prepare,
            "load": self._load,
            "describe": self._describe,
            "name": self._name,
            "call": self._call,
            "vjp": self._vjp,
            "profile": self._profile,
            "place": self._place,
            "value": self._value,
            "local": self._local,
        }

    def serve(self) -> None:
        """Answer requests until the judge closes the connection."""
        while True:
            try:
                request = self._receive()
            except framing.PeerGone:
                return
            except CannotBuild as error:
                self._send(self._raised(error.reason))
                continue
            forbidden.hits.clear()  # not in a call that comes from within a callback, which would hide an earlier hit
            self._send(self._handle(request))

    # messages

    def _receive(self) -> dict[str, Any]:
        tree, blob = framing.receive(self._connection)
        return dict(Decoder(self._decode_special).decode(tree, blob))

    def _send(self, message: dict[str, Any]) -> None:
        try:
            data = framing.pack(*Encoder(self._encode_special).encode(message))
        except Exception as error:  # also what properties of the attempt's own objects raise
            kind = "MemoryError" if isinstance(error, MemoryError) else "UnsendableValue"
            data = framing.pack(*Encoder().encode({"raised": trace.plain(kind, safe_str(error))}))
        _flush()
        self._connection.sendall(data)

    def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        self._current = request.get("module", self._current)
        try:
            reply = self._handlers[request["op"]](request)
        except autodiff.NoGradient:
            reply = {"raised": trace.plain("NoGradient", "")}
        except BaseException as error:  # whatever the attempt raises, SystemExit and KeyboardInterrupt too
            reply = self._raised(error)
        if forbidden.hits:
            reply["forbidden"] = [asdict(hit) for hit in forbidden.hits]
        reply["number"] = request["number"]
        return reply

    def _raised(self, error: BaseException) -> dict[str, Any]:
        return {"raised": trace.describe(error, self._filenames)}

    # values of our own

    def _encode_special(self, value: Any) -> dict[str, Any] | None:
        number = self._numbers.get(id(value))
        if number is not None and self._objects.get(number) is value and type(value) is not torch.Tensor:
            return self._reference(value, number)
        if isinstance(value, torch.Tensor):
            plain = type(value) in (torch.Tensor, torch.nn.Parameter) and value.layout is torch.strided
            return None if plain else self._reference(value)
        if type(value) in _CONTAINERS:
            return None
        if isinstance(value, type | types.FunctionType | types.MethodType | torch.nn.Module | types.ModuleType):
            return self._reference(value)
        if isinstance(value, Iterator):
            return self._reference(value)
        if _is_data(value):
            return None
        return self._reference(value)

    def _reference(self, value: Any, number: int | None = None) -> dict[str, Any]:
        number = self._keep(value) if number is None else number
        if isinstance(value, type):
            kind = "type"
        elif isinstance(value, Iterator):
            kind = "iterator"
        elif inspect.isroutine(value):
            kind = "callable"
        else:
            kind = "object"
        return {
            "$": "ref",
            "id": number,
            "kind": kind,
            "type": type(value).__name__,
            "is_tensor": isinstance(value, torch.Tensor),
        }

    def _keep(self, value: Any, number: int | None = None) -> int:
        """The number of an object that stays here: the given one, else the one it has, else the next."""
        if number is None:
            known = self._numbers.get(id(value))
            if known is not None and self._objects.get(known) is value:
                return known
            number = next(self._counter)
        self._numbers[id(value)], self._objects[number] = number, value
        return number

    def _decode_special(self, kind: str, node: dict[str, Any], decode: Any) -> Any:
        if kind == "ref":
            if node["id"] not in self._objects:  # what was to be made could not be
                raise CannotBuild(NameError("an object that is not there"))
            return self._objects[node["id"]]
        if kind == "callback":
            return self._stub(node["id"])
        if kind == "record":
            return self._construct(node["type"], {key: decode(item) for key, item in node["fields"].items()})
        return NotImplemented

    def _construct(self, type_name: str, fields: dict[str, Any]) -> Any:
        cls = getattr(self._modules.get(self._current), type_name, None)
        try:
            if cls is None:
                raise NameError(f"name {type_name!r} is not defined")
            return cls(**fields)
        except Exception as error:
            raise CannotBuild(error) from None

    def _stub(self, number: int) -> Any:
        """A function that runs in the judge; the same one for the same number."""
        if number in self._stubs:
            return self._stubs[number]

        def callback(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                self._send({"callback": number, "args": args, "kwargs": kwargs})
                while True:
                    try:
                        message = self._receive()
                    except CannotBuild as error:
                        raise error.reason from None
                    if "return" in message:
                        return message["return"]
                    if "raise" in message:
                        raise builtin_exception(*message["raise"])
                    self._send(self._handle(message))

        self._stubs[number] = callback
        return callback

    # requests

    def _prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Get ready for an exercise before there is an attempt: what is done for the first time takes longer."""
        x = torch.ones(2, 2)
        autodiff.vjp(lambda x: (x @ x).softmax(-1), {"x": x}, ["x"], {0: x})
        profile.profile(torch.exp, [x], {})
        Decoder().decode(*Encoder().encode([x]))
        self._put_in_force(request)
        return {"ok": None}

    def _put_in_force(self, request: dict[str, Any]) -> None:
        """The rules of an exercise."""
        if request["kernels"]:
            kernels.interpret()
        eager.compile_nothing()
        forbidden.install(request["forbid"], self._filenames)

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        name, filename, source = request["module"], request["filename"], request["source"]
        self._put_in_force(request)
        text = trace.decoded(source)
        lines = io.StringIO(text, newline=None).readlines()  # as Python counts them: str.splitlines knows more ends
        linecache.cache[filename] = (len(text), None, lines, filename)
        self._filenames.add(filename)
        module = types.ModuleType(name)
        module.__file__ = filename
        module.__dict__["__builtins__"] = forbidden.builtins_without(request["forbid"])
        self._modules[name] = sys.modules[name] = module
        exec(compile(source, filename, "exec", dont_inherit=True), module.__dict__)
        return {"ok": sorted(key for key in vars(module) if isinstance(key, str))}

    def _describe(self, request: dict[str, Any]) -> dict[str, Any]:
        module = self._modules[self._current]
        return {"ok": {name: describe(getattr(module, name, None)) for name in request["names"]}}

    def _name(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ok": getattr(self._modules[self._current], request["name"])}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        target = self._target(request["target"])
        args, kwargs = request["args"], request["kwargs"]
        before, changed = kernels.launches.count, _changes(request)
        with collected(request.get("intermediates", ()), self._filenames) as held, kernels.fenced([args, kwargs]):
            value = target(*args, **kwargs)
        if (isinstance(target, type) or request.get("keep")) and not isinstance(value, _SCALARS):
            self._keep(value, request.get("as"))  # what was constructed stays here, also if it is a dataclass
        reply = {"ok": value, "changed": changed(), "launches": kernels.launches.count - before}
        return reply | {"intermediates": held} if held else reply

    def _vjp(self, request: dict[str, Any]) -> dict[str, Any]:
        target, changed, outputs = self._target(request["target"]), _changes(request), Outputs()
        with kernels.fenced([request["kwargs"], request["cotangents"]]):
            asked = request["kwargs"], request["wrt"], request["cotangents"]
            output, gradients = autodiff.vjp(target, *asked, forward_done=outputs.watch)
        return {"ok": (output, gradients), "changed": changed(), "overwritten": outputs.changed()}

    def _profile(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = {"saved": bool(request["saved"]), "instructions": bool(request["instructions"])}
        _, cost = profile.profile(self._target(request["target"]), request["args"], request["kwargs"], **asked)
        return {"ok": cost}

    def _place(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ok": self._keep(request["value"], request.get("as"))}

    def _value(self, request: dict[str, Any]) -> dict[str, Any]:
        value = request["value"]
        if isinstance(value, torch.Tensor):
            value = value.detach().clone()
        elif _is_data(value):
            value = copy.copy(value)  # a copy is not known by number, so it travels as data
        return {"ok": value}

    def _local(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ok": self._keep(local_function(request["source"]), request.get("as"))}

    def _target(self, target: list[Any]) -> Any:
        match target:
            case ["name", name]:
                return getattr(self._modules[self._current], name)
            case ["object", thing]:
                return thing
            case ["method", thing, name]:
                return getattr(thing, name)
            case ["operator", name]:
                return OPERATORS[name]
            case ["getattr"]:
                return getattr
            case ["setattr"]:
                return setattr
        raise WireError(f"unknown target {target!r}")


def _changes(request: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """What tells of everything that the attempt was given which of it is not as it is now."""
    things = given(request)
    copies = {name: copied(value) for name, value in things.items()}
    return lambda: {name: value for name, value in things.items() if not is_as_copied(copies[name], value)}


def _flush() -> None:
    """Push out what the attempt printed without ending the line."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def local_function(source: str) -> Any:
    """The function of an expression, or of a `def`; `torch` is known in it."""
    namespace: dict[str, Any] = {"torch": torch}
    if not source.lstrip().startswith("def "):
        return eval(source, namespace)
    exec(source, namespace)
    return next(value for value in reversed(namespace.values()) if inspect.isfunction(value))


def _is_data(value: Any) -> bool:
    """Whether the value is on the closed list by its type (its parts are looked at later)."""
    import numpy as np

    if value is None or as_record(value) is not None:
        return True
    kinds = (bool, int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset, BaseException)
    return isinstance(value, (*kinds, np.ndarray, np.generic, torch.dtype, torch.device, torch.Generator))


def describe(thing: Any) -> dict[str, Any] | None:
    """What a name is: its kind, its parameters, for a class those of its public methods; None for None."""
    if thing is None:
        return None
    if inspect.isclass(thing):
        methods = {
            name: parameters(member)
            for cls in reversed(thing.__mro__)
            if cls.__module__ == thing.__module__
            for name, member in vars(cls).items()
            if (not name.startswith("_") or name == "__init__") and callable(_function(member))
        }
        if "__init__" not in methods:
            methods["__init__"] = parameters(thing)
        return {"kind": "class", "methods": methods}
    if callable(thing):
        return {"kind": "function", "parameters": parameters(thing)}
    return {"kind": "value", "type": type(thing).__name__}


def _function(member: Any) -> Any:
    return member.__func__ if isinstance(member, staticmethod | classmethod) else member


def parameters(function: Any) -> list[dict[str, Any]] | None:
    """Name, kind and default of each parameter (`self` left out); None where Python cannot tell."""
    try:
        signature = inspect.signature(_function(function))
    except (TypeError, ValueError):
        return None
    return [
        {"name": p.name, "kind": p.kind.name, "default": None if p.default is p.empty else repr(p.default)[:80]}
        for p in signature.parameters.values()
        if p.name not in ("self", "cls")
    ]
