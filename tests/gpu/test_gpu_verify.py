"""Outputs of timed calls are checked: what is right passes, what is not is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from thinkllm_drill.gpu.player import chosen, outputs
from thinkllm_drill.gpu.simulated import HostDevice
from thinkllm_drill.gpu.verify import wrong

ROOT = Path(__file__).resolve().parents[2]
DEVICE: Any = HostDevice()
PICKS = chosen(DEVICE, 5, 200)


def expected(x: torch.Tensor) -> torch.Tensor:
    return torch.softmax(x, -1)


def samples(value: Any) -> list[torch.Tensor]:
    return [torch.take(leaf, PICKS % leaf.numel()) for leaf in outputs(value, {}, (), DEVICE)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_right_outputs_pass_and_wrong_ones_are_told(dtype: torch.dtype) -> None:
    x = torch.randn(8, 50).to(dtype)
    assert wrong(expected, {"x": x}, samples(expected(x)), PICKS, 8.0) is None
    half = torch.softmax(x.half(), -1).to(dtype)
    if dtype == torch.float32:
        assert "times what rounding allows" in str(wrong(expected, {"x": x}, samples(half), PICKS, 8.0))
    for answer in (torch.zeros_like(x), expected(x) * 1.1, expected(x).nan_to_num() + torch.nan, expected(-x)):
        assert wrong(expected, {"x": x}, samples(answer), PICKS, 8.0) is not None


def test_other_forms_are_told() -> None:
    x = torch.randn(8, 50)
    assert "2 tensors came back" in str(wrong(expected, {"x": x}, samples([x, x]), PICKS, 8.0))
    assert "not float32" in str(wrong(expected, {"x": x}, samples(expected(x).double()), PICKS, 8.0))
    assert wrong(expected, {"x": x}, [expected(x)], PICKS, 8.0) is not None


def test_nan_and_infinity_are_equal_to_themselves() -> None:
    x = torch.tensor([[-torch.inf, -torch.inf], [0.0, -torch.inf]])
    assert wrong(expected, {"x": x}, samples(expected(x)), PICKS, 8.0) is None
    assert wrong(lambda x: x, {"x": x}, samples(x.clone()), PICKS, 8.0) is None
    assert wrong(lambda x: x, {"x": x}, samples(-x), PICKS, 8.0) is not None


def test_what_is_changed_in_place_is_checked() -> None:
    def double(x: torch.Tensor) -> None:
        x.mul_(2)

    x = torch.randn(50)
    changed = outputs(None, {"x": 2 * x}, ("x",), DEVICE)
    right = [torch.take(leaf, PICKS % leaf.numel()) for leaf in changed]
    assert wrong(double, {"x": x}, right, PICKS, 4.0, ("x",)) is None
    assert wrong(double, {"x": x}, [torch.take(x, PICKS % 50)], PICKS, 4.0, ("x",)) is not None


SCRIPT = """
import json, os, sys
from pathlib import Path
os.environ["TRITON_INTERPRET"] = "1"
from thinkllm_drill.judge import kernels
kernels.import_interpreted()
import torch
from torch.utils._pytree import tree_map
from thinkllm_drill.gpu.check import Ruler
from thinkllm_drill.gpu.inputs import maker
from thinkllm_drill.gpu.player import chosen, outputs
from thinkllm_drill.gpu.recipe import load, recipe
from thinkllm_drill.gpu.simulated import HostDevice
from thinkllm_drill.gpu.verify import wrong
from thinkllm_drill.grading.kernels import KernelSuite
from thinkllm_drill.grading.session import load_module
grader, solution = map(Path, sys.argv[1:])
module, reference = load_module(grader, "grader"), load_module(solution, "reference")
kernels.interpret()
device, found = HostDevice(), {}
for kind in list(vars(module).values()):
    if not (isinstance(kind, type) and issubclass(kind, KernelSuite) and kind.__module__ == "grader" and kind.speeds):
        continue
    suite = kind()
    kind.graded = type("Graded", (), {"module": reference})
    for case in suite.cases[:2]:
        made = load(recipe(grader.read_text(), kind.__name__))
        inputs = maker(made, case.params, suite.speeds[0].case.dtype, device.torch_device)(1)
        given = tree_map(lambda leaf: leaf.clone() if isinstance(leaf, torch.Tensor) else leaf, inputs)
        value = getattr(reference, suite.entry)(**given)
        picks = chosen(device, 3, 500)
        samples = [torch.take(leaf, picks % leaf.numel()) for leaf in outputs(value, given, suite.mutates, device)]
        factor = Ruler(grader, suite, None, {})._factor(suite.speeds[0])
        found[f"{kind.__name__} {case.id}"] = wrong(suite.expected, inputs, samples, picks, factor, suite.mutates)
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.parametrize("grader", sorted((ROOT / "graders/kernels").glob("test_*.py")), ids=lambda path: path.stem)
def test_what_the_references_give_is_right_as_timed_calls_are_checked(grader: Path) -> None:
    pytest.importorskip("triton")
    solution = ROOT / "solutions/kernels" / f"{grader.stem.removeprefix('test_')}.py"
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(grader), str(solution)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert {name: said for name, said in found.items() if said is not None} == {}
