"""Inputs on the device: the part of a grader that makes them, and arguments that keep their layout."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from thinkllm_drill.gpu.inputs import Mover, maker
from thinkllm_drill.gpu.recipe import load, recipe
from thinkllm_drill.grading import battery
from thinkllm_drill.grading.rng import Rng

ROOT = Path(__file__).resolve().parents[2]
GRADER = """
import math
import torch
from thinkllm_drill.grading import KernelSuite, case
from somewhere import unused

SCALE = 2.0
ANSWER = "secret"

def spread(x):
    return x * SCALE * math.pi

class Base(KernelSuite):
    def table(self, n):
        return torch.arange(n) + self.offset

class TestIt(Base):
    entry = "f"
    cases = [case(en="a", zh="b", n=3)]
    offset = 5

    def inputs(self, rng, *, n):
        return {"x": spread(rng.normal((n,))), "t": self.table(n), "w": [rng.integers(0, 9, (n,))], "k": 3}

    def expected(self, x):
        return ANSWER
"""


def test_a_recipe_holds_what_makes_inputs_and_nothing_else() -> None:
    source = recipe(GRADER, "TestIt")
    for name in ("secret", "expected", "case", "somewhere", "entry"):
        assert name not in source
    made = load(source)(Rng("a"), {"n": 4}, "float32")
    assert made["t"].tolist() == [5, 6, 7, 8]
    assert torch.equal(made["x"], Rng("a").normal((4,)) * 2.0 * torch.pi)
    with pytest.raises(ValueError, match="no suite"):
        recipe(GRADER, "Other")


def test_inputs_of_a_seed_are_the_same_wherever_they_are_made() -> None:
    make, again = (maker(load(recipe(GRADER, "TestIt")), {"n": 6}, "bfloat16", torch.device("cpu")) for _ in range(2))
    one, other, third = make(1), again(1), make(2)
    assert one["x"].dtype == torch.bfloat16
    assert one["k"] == 3
    assert torch.equal(one["x"], other["x"])
    assert torch.equal(one["w"][0], other["w"][0])
    assert not torch.equal(one["x"], third["x"])


@pytest.mark.parametrize("path", sorted((ROOT / "graders/kernels").glob("test_*.py")), ids=lambda path: path.stem)
def test_the_recipe_of_every_kernel_makes_what_its_grader_makes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    spec = importlib.util.spec_from_file_location(f"recipes_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    suites = [suite for name, suite in vars(module).items() if name.startswith("Test")]
    assert suites
    for suite in suites:
        made = load(recipe(path.read_text(), suite.__name__))
        for case in suite.cases:
            ours = suite().prepared(Rng("x", case.id), battery.Probe(case))
            theirs = made(Rng("x", case.id), case.params, case.dtype)
            assert repr(ours) == repr(theirs)


def test_moved_arguments_keep_their_layout() -> None:
    base = torch.arange(24.0)
    views = [base.view(4, 6).T, base[2:8:2], base[:1].expand(5), torch.tensor(3.0), torch.empty(0, 3)]
    moved = Mover(torch.device("cpu")).there({"a": views, "n": 3})
    for view, there in zip(views, moved["a"], strict=True):
        assert (there.shape, there.stride(), there.storage_offset()) == (
            view.shape,
            view.stride(),
            view.storage_offset(),
        )
        assert torch.equal(there, view)
        assert there.untyped_storage().data_ptr() != base.untyped_storage().data_ptr()
    moved["a"][0].zero_()
    assert moved["a"][1].tolist() == [0.0, 0.0, 0.0]
    assert base.sum() > 0
