"""What was asked of an attempt, as inputs in a file and a short script that asks it again without us."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from thinkllm_drill.judge.wire import Decoder, Record

SHORT = 72
MOST_CALLS = 40
PREPARE = "def prepare(module, weights, training, dtype):"
"""How the suites' way of loading weights begins."""
_PLAIN = (bool, int, float, str, bytes, type(None))


@dataclass(frozen=True)
class Held:
    """An object of the attempt, known by number."""

    number: int


@dataclass(frozen=True)
class CalledBack:
    """A function of the grader's, known by number."""

    number: int


@dataclass(frozen=True)
class Asked:
    """One request, with its inputs as they were before it; `made` is the number of the object that came of it."""

    request: Mapping[str, Any]
    made: int | None = None


def decoded(tree: bytes, blob: bytes) -> dict[str, Any]:
    """A request as data of its own, with `Held` and `CalledBack` for what lives elsewhere."""

    def special(kind: str, node: dict[str, Any], decode: Any) -> Any:
        made = {"ref": Held, "callback": CalledBack}.get(kind)
        return NotImplemented if made is None else made(int(node["id"]))

    return dict(Decoder(special).decode(tree, blob))


@dataclass
class Replay:
    """Collects requests and writes them down.

    Args:
        attempt: the learner's file.
        interpreted: its Triton kernels are to run in Triton's interpreter.
    """

    attempt: Path
    interpreted: bool = False
    asked: list[Asked] = field(default_factory=list)
    answers: dict[int, list[Any]] = field(default_factory=dict)
    """What the grader's functions answered, by number."""

    def written(self, inputs: Path) -> tuple[dict[str, Any], str]:
        """The inputs by name, and the script that reads them from `inputs`."""
        return _Writer(self, inputs).written()


class _Writer:
    def __init__(self, replay: Replay, inputs: Path) -> None:
        self._replay, self._file = replay, inputs
        self._inputs: dict[str, Any] = {}
        self._imports: dict[str, None] = {}
        self._names: dict[int, str] = {}
        self._sources: dict[int, str] = {}
        self._callbacks: dict[int, None] = {}
        self._defined: list[str] = []

    def written(self) -> tuple[dict[str, Any], str]:
        asked = [each for each in self._replay.asked if each.request["op"] != "describe"]
        single = self._single(asked)
        lines = single if single is not None else self._several(asked)
        lines = [*self._called_back(), *lines]
        head = ["import sys", "import torch"]
        if self._replay.interpreted:
            head = ["import os", *head, 'os.environ["TRITON_INTERPRET"] = "1"']
        loaded = [f"x = torch.load({str(self._file)!r}, weights_only=False)"] if self._inputs else []
        body = [*self._imported(), *loaded, *self._defined, *lines]
        return self._inputs, "\n".join([*head, "", *body]) + "\n"

    def _imported(self) -> list[str]:
        file = self._replay.attempt
        if not file.stem.isidentifier() or file.suffix != ".py":
            names = [f'{name} = attempt["{name}"]' for name in self._imports]
            return ["import runpy", f"attempt = runpy.run_path({str(file)!r})", *names]
        return [f"sys.path.insert(0, {str(file.parent)!r})", f"from {file.stem} import {', '.join(self._imports)}"]

    def _single(self, asked: list[Asked]) -> list[str] | None:
        """One call of a function by keyword: the inputs are its arguments."""
        if len(asked) != 1 or asked[0].request["op"] != "call":
            return None
        request = asked[0].request
        if request["target"][0] != "name" or request["args"] or _special(request["kwargs"]):
            return None
        self._inputs = dict(request["kwargs"])
        return [f"print({self._name(request['target'][1])}({'**x' if self._inputs else ''}))"]

    def _several(self, asked: list[Asked]) -> list[str]:
        shown = [line for each in asked for line in self._lines(each)]
        lines = shown[:MOST_CALLS]
        if len(shown) > MOST_CALLS:
            lines.append(f"# and {len(shown) - MOST_CALLS} lines more")
        elif lines and not lines[-1].startswith(("print(", " ", "#")):
            result, equals, call = lines[-1].partition(" = ")
            lines[-1] = f"print({call if equals and result.isidentifier() else lines[-1]})"
        return lines

    def _lines(self, asked: Asked) -> Iterator[str]:
        request, made = asked.request, asked.made
        match request["op"]:
            case "local":
                if made is not None:
                    self._sources[made] = request["source"]
            case "name":
                if made is not None:
                    self._names[made] = self._name(request["name"])
            case "place":
                yield self._assigned(made, self._expression(request["value"], "placed"), "placed")
            case "call":
                yield from self._call(request, made)
            case "vjp":
                yield from self._gradients(request)
            case "profile":
                yield f"{self._target(request['target'])}({self._arguments(request)})"

    def _call(self, request: Mapping[str, Any], made: int | None) -> Iterator[str]:
        target, args = request["target"], request["args"]
        match target:
            case ["object", Held(number)] if number in self._sources:
                yield from self._helper(number, request, made)
            case ["operator", name]:
                module = "" if name in ("len", "iter", "next", "bool", "str", "repr", "float", "hash") else "operator."
                if module and "import operator" not in self._defined:
                    self._defined.insert(0, "import operator")
                parts = ", ".join(self._expression(arg, "value") for arg in args)
                yield self._assigned(made, f"{module}{name}({parts})", name)
            case ["getattr"]:
                if made is not None:
                    yield self._assigned(made, f"{self._expression(args[0], 'of')}.{args[1]}", args[1])
            case ["setattr"]:
                yield f"{self._expression(args[0], 'of')}.{args[1]} = {self._expression(args[2], args[1])}"
            case _:
                hint = "made" if target[0] == "name" else "result"
                yield self._assigned(made, f"{self._target(target)}({self._arguments(request)})", hint)

    def _helper(self, number: int, request: Mapping[str, Any], made: int | None) -> Iterator[str]:
        """A call of a function that the grader had made where the attempt lives."""
        args, source = request["args"], self._sources[number]
        if source.lstrip().startswith(PREPARE):
            module, training, dtype = self._expression(args[0], "module"), args[2], args[3]
            yield f"{module}.load_state_dict({self._expression(args[1], 'weights')})"
            yield f"{module}.train()" if training else f"{module}.eval()"
            if dtype is not torch.float32:
                yield f"{module}.to({dtype})"
            return
        if "thinkllm_drill" in source:  # one of ours, that looks at a call
            yield f"{self._expression(args[0], 'function')}(**{self._expression(args[1], 'inputs')})"
            return
        yield self._assigned(made, f"{self._held(number)}({self._arguments(request)})", "result")

    def _gradients(self, request: Mapping[str, Any]) -> Iterator[str]:
        wrt, kwargs = request["wrt"], request["kwargs"]
        inputs = self._stored("inputs", kwargs) if not _special(kwargs) else None
        arguments = f"**{inputs}" if inputs else self._arguments(request)
        for name in wrt:
            if name != "parameters" and inputs and kwargs.get(name) is not None:
                several = not isinstance(kwargs[name], torch.Tensor)
                where = f'{inputs}["{name}"]'
                yield f"[t.requires_grad_() for t in {where}]" if several else f"{where}.requires_grad_()"
        yield f"out = {self._target(request['target'])}({arguments})"
        if request["cotangents"] is None:
            return
        cotangents = self._stored("cotangents", request["cotangents"])
        yield "tensors = [out] if torch.is_tensor(out) else list(out)"
        yield f"torch.autograd.backward([tensors[i] for i in {cotangents}], list({cotangents}.values()))"
        for name in wrt:
            if name == "parameters":
                yield f"print({{n: p.grad for n, p in {self._target(request['target'])}.named_parameters()}})"
            elif inputs and isinstance(kwargs.get(name), torch.Tensor):
                yield f'print({inputs}["{name}"].grad)'
            elif inputs and kwargs.get(name) is not None:
                yield f'print([t.grad for t in {inputs}["{name}"]])'

    # parts of a line

    def _target(self, target: list[Any]) -> str:
        match target:
            case ["name", name]:
                return self._name(name)
            case ["method", owner, name]:
                return f"{self._expression(owner, 'object')}.{name}"
            case ["object", thing]:
                return self._expression(thing, "object")
        return str(target[0])

    def _assigned(self, made: int | None, call: str, hint: str) -> str:
        if made is None:
            return call
        if made not in self._names:
            name = hint if hint.isidentifier() and hint not in self._names.values() else f"{hint}_{made}"
            taken = name in self._imports or not name.isidentifier()
            self._names[made] = f"object_{made}" if taken else name
        return f"{self._names[made]} = {call}"

    def _arguments(self, request: Mapping[str, Any]) -> str:
        kwargs = request.get("kwargs", {})
        parts = [self._expression(arg, f"argument_{index}") for index, arg in enumerate(request.get("args", ()))]
        tensors = sum(isinstance(value, torch.Tensor) for value in kwargs.values())
        if tensors > 1 and not _special(kwargs):
            return ", ".join([*parts, f"**{self._stored('inputs', dict(kwargs))}"])
        return ", ".join([*parts, *(f"{name}={self._expression(value, name)}" for name, value in kwargs.items())])

    def _name(self, name: str) -> str:
        self._imports[name] = None
        return name

    def _stored(self, hint: str, value: Any) -> str:
        name = hint if hint not in self._inputs else f"{hint}_{len(self._inputs)}"
        self._inputs[name] = value
        return f'x["{name}"]'

    def _expression(self, value: Any, hint: str) -> str:
        if isinstance(value, Held):
            return self._held(value.number)
        if isinstance(value, CalledBack):
            self._callbacks[value.number] = None
            return f"callback_{value.number}"
        if isinstance(value, Record):
            name, fields, _ = value._record
            parts = (f"{key}={self._expression(item, key)}" for key, item in fields.items())
            return f"{self._name(name)}({', '.join(parts)})"
        if isinstance(value, BaseException):
            return f"{type(value).__name__}({str(value)!r})"
        if isinstance(value, torch.dtype):
            return str(value)
        if isinstance(value, torch.device):
            return f'torch.device("{value}")'
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if _plain(value) and len(repr(value)) <= SHORT:
            return repr(value)
        return self._container(value, hint) if _special(value) else self._stored(hint, value)

    def _held(self, number: int) -> str:
        if number in self._sources and number not in self._names:
            source = textwrap.dedent(self._sources[number]).strip()
            self._names[number] = f"helper_{number}"
            if source.startswith("def "):
                self._names[number] = source[4 : source.index("(")]
                self._defined.append(source)
            else:
                self._defined.append(f"{self._names[number]} = {source}")
        return self._names.get(number, f"object_{number}")

    def _container(self, value: Any, hint: str) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key!r}: {self._expression(item, str(key))}" for key, item in value.items()) + "}"
        parts = ", ".join(self._expression(item, hint) for item in value)
        if isinstance(value, tuple):
            return f"({parts},)" if len(value) == 1 else f"({parts})"
        return f"[{parts}]" if isinstance(value, list) else f"{type(value).__name__}([{parts}])"

    def _called_back(self) -> list[str]:
        """The grader's functions, which answer what they answered then."""
        lines = []
        for number in list(self._callbacks):
            answers = self._expression(self._replay.answers.get(number, []), f"answers_{number}")
            lines += [
                f"def callback_{number}(*args, answers=iter({answers}), **kwargs):",
                "    answer = next(answers)",
                "    if isinstance(answer, Exception):",
                "        raise answer",
                "    return answer",
            ]
        return lines


def _special(value: Any) -> bool:
    """Whether a value holds what a file of tensors and plain data cannot."""
    if isinstance(value, (Held, CalledBack, Record, BaseException)):
        return True
    if isinstance(value, Mapping):
        return any(map(_special, value.values()))
    return isinstance(value, (list, tuple, set, frozenset)) and any(map(_special, value))


def _plain(value: Any) -> bool:
    """Whether `repr` is an expression that gives the value again."""
    if isinstance(value, float):
        return math.isfinite(value)
    if type(value) in (list, tuple, set, frozenset):
        return bool(value) and all(map(_plain, value)) if type(value) in (set, frozenset) else all(map(_plain, value))
    if type(value) is dict:
        return all(_plain(key) and _plain(item) for key, item in value.items())
    return type(value) in _PLAIN
