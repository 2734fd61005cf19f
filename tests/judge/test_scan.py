"""What the source calls, told from its text."""

from __future__ import annotations

import sys

import pytest

from thinkllm_drill.judge import scan

PATHS = ["torch.softmax", "torch.nn.functional.softmax", "torch.nn.Softmax"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch\n\ny = torch.softmax(x, -1)", (3, "torch.softmax")),
        ("import torch as t\nf = t.softmax", (2, "t.softmax")),
        ("import torch.nn.functional as F\nF.softmax(x)", (2, "F.softmax")),
        ("from torch import nn\nlayer = nn.Softmax(-1)", (2, "nn.Softmax")),
        ("from torch.nn.functional import softmax as s\ndef f(x):\n    return s(x)", (3, "s")),
        ("import torch\nbound = torch.softmax\ndef f(x): return bound(x)", (2, "torch.softmax")),
        ("def f(x):\n    return x.softmax(-1)", (2, "x.softmax")),
        ("import torch\nf = getattr(torch, 'softmax')", (2, "'softmax'")),
        ("def softmax(x):\n    return x\ny = softmax(1)", None),
        ("class A:\n    def softmax(self): ...\n    def f(self): return self.softmax()", None),
        ("import torch\ndef softmax(x): return torch.exp(x)\ny = softmax(1)", None),
        ("from torch import softmax\ndef softmax(x): return x\nsoftmax(1)", (1, "from torch import softmax")),
        ("def f(", None),
    ],
)
def test_the_first_mention(source: str, expected: tuple[int, str] | None) -> None:
    assert scan.find(source, PATHS) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x.softmax(-1)", "x.softmax"),
        ("getattr(torch, 'soft' + 'max')(x)", "getattr(torch, 'soft' + 'max')"),
        ("a @ b", "a @ b"),
        ("import sklearn", "import sklearn"),
        ("f(\n  x)", "f"),
        ("x" * 100 + "()", "x" * 59 + "…"),
    ],
)
def test_what_is_called(expression: str, expected: str) -> None:
    assert scan.callee(expression) == expected


def test_what_a_frame_is_calling() -> None:
    def call(look):
        return "it is " + look(
            2,
            3,
        )

    assert call(lambda *_: scan.used_at(sys._getframe(1))) == "it is look"
