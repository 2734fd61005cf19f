"""Compiles the kernels of a file for a GPU that is not here: what the interpreter lets pass, the compiler may refuse.

    python -m thinkllm_drill.gpu.compiles GRADER FILE …

Every launch of the grader's cases and timed shapes is compiled down to a cubin for compute capability 9.0, the latter
on tensors without memory. Nothing is run. Prints one JSON object a file.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TARGET = ("cuda", 90, 32)
MOST_SHARED = 227 << 10
"""Bytes of shared memory that a program may have there."""
CASES = 3
OPTIONS = ("num_warps", "num_stages", "num_ctas", "maxnreg")


class Compiler:
    """Takes the place of Triton's launches."""

    def __init__(self) -> None:
        self.done: dict[str, dict[str, Any]] = {}

    def install(self) -> None:
        """Compile where a kernel would be launched from now on; every configuration where one would be chosen."""
        from triton.runtime.autotuner import Autotuner
        from triton.runtime.jit import JITFunction

        def launch(fn: Any, *args: Any, grid: Any = None, warmup: bool = False, **kwargs: Any) -> None:
            self.compile(fn, args, kwargs)

        def tuned(tuner: Any, *args: Any, **kwargs: Any) -> None:
            for config in tuner.configs:
                tuner.fn.run(*args, **kwargs, **config.all_kwargs())

        JITFunction.run = launch
        Autotuner.run = tuned

    def compile(self, fn: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """Compile one launch, unless one like it was."""
        import torch
        import triton
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource

        options = {name: kwargs.pop(name) for name in OPTIONS if name in kwargs}
        bound = fn.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        signature: dict[str, str] = {}
        constants: dict[tuple[int, ...], Any] = {}
        attributes: dict[tuple[int, ...], Any] = {}
        for parameter in fn.params:
            value = bound.arguments[parameter.name]
            constant = parameter.is_constexpr or value is None or (type(value) is int and value == 1)
            if constant:
                signature[parameter.name], constants[(parameter.num,)] = "constexpr", value
                continue
            signature[parameter.name] = _type(value)
            if isinstance(value, torch.Tensor) or (type(value) is int and value % 16 == 0):
                attributes[(parameter.num,)] = [["tt.divisibility", 16]]
        key = f"{fn.__name__} {signature} {constants} {options}"
        if key not in self.done:
            made = triton.compile(
                ASTSource(fn, signature, constants, attributes), target=GPUTarget(*TARGET), options=options
            )
            self.done[key] = {"kernel": fn.__name__, "shared": int(made.metadata.shared), "cubin": "cubin" in made.asm}


def _type(value: Any) -> str:
    import torch

    names = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16", torch.float64: "fp64"}
    if isinstance(value, torch.Tensor):
        name = str(value.dtype).removeprefix("torch.")
        short = {"bool": "i1"}.get(name) or re.sub(
            r"^(u?)int(\d+)$", lambda m: f"{m[1]}i{m[2]}".replace("ui", "u"), name
        )
        return "*" + names.get(value.dtype, short)
    if isinstance(value, bool):
        return "i1"
    if isinstance(value, int):
        return "i32" if -(2**31) <= value < 2**31 else "i64"
    if isinstance(value, float):
        return "fp32"
    raise TypeError(f"a kernel is given a {type(value).__name__}")


def launches(suite: Any, function: Callable[..., Any]) -> Iterator[str]:
    """Call the function as the cases and the timed shapes of a suite do; what could not be called."""
    from thinkllm_drill.gpu.inputs import DeviceRng
    from thinkllm_drill.grading import battery
    from thinkllm_drill.grading.rng import Rng

    for case in [*suite.cases[:CASES], *(edge for edge in suite.edges if edge.dtype != "float32")]:
        inputs = suite.prepared(Rng("compiles", case.id), battery.Probe(case))
        yield from _called(suite, function, inputs, case.id)
    for speed in suite.speeds:

        def on_paper(case: Any = speed.case) -> Any:
            with _meta():
                return suite.prepared(DeviceRng(_meta(), case.id), battery.Probe(case))

        yield from _called(suite, function, on_paper, speed.case.id)


def _meta() -> Any:
    import torch

    return torch.device("meta")


def _called(suite: Any, function: Callable[..., Any], inputs: Any, name: str) -> Iterator[str]:
    import torch

    try:
        given = inputs() if callable(inputs) else inputs
        wanted = [given[key] for key in suite.gradients if isinstance(given.get(key), torch.Tensor)]
        for tensor in wanted:
            tensor.requires_grad_()
        answer = function(**given)
        if wanted:
            leaves = [leaf for leaf in torch.utils._pytree.tree_leaves(answer) if isinstance(leaf, torch.Tensor)]
            roots = [leaf for leaf in leaves if leaf.requires_grad]
            torch.autograd.backward(roots, [torch.ones_like(root) for root in roots])
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        yield f"{name}: {type(error).__name__}: {str(error)[:1500]} ({Path(where.filename).name}:{where.lineno})"


def main() -> int:
    """Entry of the program; 1 if something cannot be compiled."""
    grader, *files = map(Path, sys.argv[1:])
    from thinkllm_drill.grading.kernels import KernelSuite
    from thinkllm_drill.grading.session import load_module

    os.environ.pop("TRITON_INTERPRET", None)
    import triton.language  # noqa: F401

    module = load_module(grader, "grader_to_compile")
    os.environ.pop("TRITON_INTERPRET", None)  # which importing a grader of kernels sets
    suites = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, KernelSuite)]
    failed = False
    for number, file in enumerate(files):
        compiler = Compiler()
        compiler.install()
        attempt = load_module(file, f"to_compile_{number}")
        problems = []
        for kind in suites:
            if getattr(kind, "entry", None) and kind.__module__ == module.__name__:
                problems += list(launches(kind(), getattr(attempt, kind.entry)))
        found = list(compiler.done.values())
        problems += [
            f"{each['kernel']}: {each['shared']} bytes of shared memory"
            for each in found
            if each["shared"] > MOST_SHARED
        ]
        print(json.dumps({"file": file.name, "kernels": len(found), "problems": problems}), flush=True)
        failed |= bool(problems) or not found
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
