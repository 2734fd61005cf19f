"""Every name that an exercise forbids is refused by each of its ways; what only looks like it is not."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
import torch

from thinkllm_drill.judge import means
from thinkllm_drill.judge.failures import RuleBroken

HEAD = """
import importlib, functools, threading
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

x = torch.linspace(-1, 1, 6).reshape(2, 3)
image = torch.ones(1, 2, 4, 4)
t = torch.tensor([0, 2])

def fine():
    return 1
"""
NAMES: dict[str, tuple[str, ...]] = {
    "torch.sigmoid": (
        "torch.sigmoid(x)",
        "x.sigmoid()",
        "x.clone().sigmoid_()",
        "F.sigmoid(x)",
        "nn.Sigmoid()(x)",
        "torch.special.expit(x)",
        "torch.ops.aten.sigmoid(x)",
        "torch.sigmoid(x, out=torch.empty(2, 3))",
    ),
    "F.logsigmoid": ("F.logsigmoid(x)", "nn.LogSigmoid()(x)", "torch._C._nn.log_sigmoid(x)"),
    "torch.tanh": ("torch.tanh(x)", "x.tanh()", "F.tanh(x)", "nn.Tanh()(x)", "np.tanh(x.numpy())"),
    "torch.relu": ("torch.relu(x)", "x.relu()", "x.clone().relu_()", "F.relu(x)", "nn.ReLU()(x)", "torch.relu_(x)"),
    "F.relu": ("torch.relu(x)", "F.relu(x, inplace=True)"),
    "nn.ReLU": ("nn.ReLU()", "F.relu(x)"),
    "F.leaky_relu": (
        "F.leaky_relu(x)",
        "nn.LeakyReLU()(x)",
        "F.prelu(x, torch.ones(1))",
        "torch._C._nn.leaky_relu_(x)",
    ),
    "F.elu": ("F.elu(x)", "nn.ELU()(x)", "F.elu_(x)", "F.celu(x)"),
    "F.silu": ("F.silu(x)", "nn.SiLU()(x)", "torch._C._nn.silu(x)", "torch.ops.aten.silu.default(x)"),
    "F.gelu": ("F.gelu(x)", "nn.GELU()(x)", "F.gelu(x, approximate='tanh')", "torch._C._nn.gelu(x)"),
    "F.glu": ("F.glu(image, 1)", "nn.GLU(1)(image)"),
    "torch.softmax": ("F.scaled_dot_product_attention(image, image, image)", "F.softmin(x, 0)", "F.gumbel_softmax(x)"),
    "F.softmax": ("torch.softmax(x, 0)", "torch._masked_softmax(x, x > 0, 1, 2)"),
    "torch.log_softmax": ("F.log_softmax(x, 0)", "F.cross_entropy(x, t)"),
    "torch.logsumexp": (
        "torch.logsumexp(x, 0)",
        "x.logsumexp(0)",
        "x.logcumsumexp(0)",
        "np.logaddexp.reduce([1., 2.])",
    ),
    "torch.logaddexp": ("torch.logaddexp(x, x)", "torch.logaddexp2(x, x)", "x.logaddexp(x)", "np.logaddexp(1., 2.)"),
    "F.mse_loss": ("F.mse_loss(x, x)", "nn.MSELoss()(x, x)", "torch._C._nn.mse_loss(x, x)"),
    "F.cross_entropy": ("F.cross_entropy(x, t)", "nn.CrossEntropyLoss()(x, t)", "torch.ops.aten.nll_loss_nd(x, t)"),
    "F.nll_loss": ("F.nll_loss(x, t)", "nn.NLLLoss()(x, t)", "torch._C._nn.nll_loss(x, t)"),
    "F.binary_cross_entropy": ("F.binary_cross_entropy(x.abs(), x.abs())", "nn.BCELoss()(x.abs(), x.abs())"),
    "F.binary_cross_entropy_with_logits": (
        "F.binary_cross_entropy_with_logits(x, x)",
        "nn.BCEWithLogitsLoss()(x, x)",
        "torch.binary_cross_entropy_with_logits(x, x)",
    ),
    "F.kl_div": ("F.kl_div(x, x.exp())", "nn.KLDivLoss()(x, x.exp())", "torch.kl_div(x, x.exp())"),
    "F.huber_loss": ("F.huber_loss(x, x)", "nn.HuberLoss()(x, x)"),
    "F.smooth_l1_loss": ("F.smooth_l1_loss(x, x)", "nn.SmoothL1Loss()(x, x)"),
    "F.layer_norm": (
        "F.layer_norm(x, (3,))",
        "nn.LayerNorm(3)(x)",
        "torch.native_layer_norm(x, (3,), None, None, 1e-5)",
    ),
    "nn.LayerNorm": ("torch.layer_norm(x, (3,))", "type('Mine', (nn.LayerNorm,), {})"),
    "F.rms_norm": ("F.rms_norm(x, (3,))", "nn.RMSNorm(3)(x)", "torch.rms_norm(x, (3,))"),
    "F.batch_norm": (
        "F.batch_norm(x, None, None, training=True)",
        "nn.BatchNorm1d(3)(x)",
        "nn.BatchNorm2d(2)(image)",
        "torch.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5)",
        "F.instance_norm(image)",
    ),
    "F.group_norm": ("F.group_norm(image, 2)", "nn.GroupNorm(2, 2)(image)", "torch.group_norm(image, 2)"),
    "F.dropout": (
        "F.dropout(x)",
        "nn.Dropout()(x)",
        "torch.dropout(x, 0.5, True)",
        "torch.native_dropout(x, 0.5, True)",
        "inference(lambda: torch.dropout(torch.ones(3), 0.5, True))",
    ),
    "F.embedding": (
        "F.embedding(t, x)",
        "nn.Embedding(2, 3)(t)",
        "F.embedding_bag(t, x, torch.tensor([0]))",
        "torch.embedding(x, t)",
    ),
    "scaled_dot_product_attention": (
        "F.scaled_dot_product_attention(image, image, image)",
        "torch.ops.aten._scaled_dot_product_attention_math(image, image, image)",
    ),
    "nn.MultiheadAttention": (
        "nn.MultiheadAttention(4, 1)",
        "nn.TransformerEncoderLayer(4, 1, 4)",
        "F.multi_head_attention_forward(x, x, x)",
    ),
    "flex_attention": (
        "importlib.import_module('torch.nn.attention.flex_attention').flex_attention(image, image, image)",
    ),
    "nn.Transformer*": (
        "nn.Transformer(4, 1, 1, 1)",
        "nn.TransformerEncoderLayer(4, 1, 4)",
        "nn.TransformerDecoderLayer(4, 1, 4)",
    ),
    "F.conv2d": (
        "F.conv2d(image, torch.ones(1, 2, 2, 2))",
        "F.conv2d(image, torch.ones(1, 2, 2, 2), padding='same')",
        "nn.Conv2d(2, 1, 2)(image)",
        "F.conv3d(image[None], torch.ones(1, 1, 1, 2, 2))",
        "torch.convolution(image, torch.ones(1, 2, 2, 2), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)",
    ),
    "torch.optim": (
        "torch.optim.SGD([nn.Parameter(x)])",
        "importlib.import_module('torch.optim.adam').Adam([nn.Parameter(x)])",
        "importlib.import_module('torch.optim.sgd').sgd([], [], [], weight_decay=0, momentum=0, lr=1)",
        "importlib.import_module('torch.optim.adamw').AdamW.step(None)",
        "importlib.reload(importlib.import_module('torch.optim.sgd')).SGD([nn.Parameter(x)])",
    ),
    "torch.nn.utils.clip_grad_norm_": (
        "nn.utils.clip_grad_norm_([], 1.0)",
        "nn.utils.clip_grad_norm_.__wrapped__([], 1.0)",
        "nn.utils.clip_grad.clip_grad_norm_([], 1.0)",
        "nn.utils.get_total_norm([x])",
        "functools.partial(nn.utils.clip_grad_norm_, max_norm=1.0)([])",
        "importlib.reload(nn.utils.clip_grad).clip_grad_norm_([], 1.0)",
    ),
    "torch.amp.GradScaler": ("torch.amp.GradScaler('cpu')", "torch.cuda.amp.GradScaler()"),
    "torch.utils.checkpoint": (
        "torch.utils.checkpoint.checkpoint(torch.exp, x, use_reentrant=False)",
        "__import__('torch.utils.checkpoint').utils.checkpoint.checkpoint(torch.exp, x, use_reentrant=True)",
    ),
    "F.gumbel_softmax": ("F.gumbel_softmax(x)",),
    "torch.multinomial": ("torch.multinomial(x.abs(), 1)", "x.abs().multinomial(1)"),
    "torch.sort": ("torch.sort(x)", "x.sort()", "x.argsort()", "torch.msort(x)", "np.sort(x.numpy())"),
    "torch.topk": ("x.topk(1)", "torch.topk(x, 1)"),
    "torch.unique": ("torch.unique(x)", "x.unique(dim=0)", "torch.unique_consecutive(x)", "np.unique(x.numpy())"),
    "torch.einsum": ("torch.einsum('ij->ji', x)",),
    "torch.cumsum": ("x.cumsum(0)", "torch.ops.aten.cumsum(x, 0)"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_each_way_to_a_name(make: Any, name: str) -> None:
    lines = [f"def way{number}():\n    return {way}\n" for number, way in enumerate(NAMES[name])]
    inference = "def inference(call):\n    with torch.inference_mode():\n        return call()\n"
    attempt = make(HEAD + inference + "".join(lines), forbid=[name])
    for number in range(len(lines)):
        with pytest.raises(RuleBroken) as broken:
            attempt[f"way{number}"]()
        assert name in broken.value.cause.message
        assert broken.value.cause.frames[-1].code
    assert attempt.fine() == 1


PACKAGES = ("sklearn", "faiss", "hnswlib", "sacrebleu", "nltk", "rouge_score", "rank_bm25", "bm25s", "json_repair")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_refused_whether_it_is_there_or_not(make: Any, package: str) -> None:
    source = f"""
    def plain():
        import {package}
    def part():
        from {package}.inner import thing
    def dynamic():
        return __import__("{package}")
    def swallowed():
        try:
            import {package}
        except Exception:
            return 1
    def fine():
        import json, statistics
        return 1
    """
    attempt = make(textwrap.dedent(source), forbid=[package])
    for way in ("plain", "part", "dynamic", "swallowed"):
        with pytest.raises(RuleBroken, match=package):
            attempt[way]()
    assert attempt.fine() == 1


def test_a_module_that_is_loaded_later(make: Any, world: Any) -> None:
    # a package of the attempt's own stands for scipy, which may be missing
    source = """
    import importlib.machinery, sys, types
    class Finder:
        def find_spec(self, name, path, target=None):
            if name.startswith("scipy"):
                return importlib.machinery.ModuleSpec(name, self, is_package=True)
        def create_module(self, spec):
            return None
        def exec_module(self, module):
            if module.__name__ == "scipy.special":
                exec("def softmax(x): return x\\ndef gamma(x): return x", module.__dict__)
    sys.meta_path.append(Finder())
    def run():
        from scipy.special import softmax
        return softmax(1.0)
    def other():
        from scipy.special import gamma
        return gamma(1.0)
    """
    attempt = make(textwrap.dedent(source), forbid=["torch.softmax"])
    assert attempt.other() == 1.0
    with pytest.raises(RuleBroken, match=r"`softmax` on line 15 calls torch\.softmax"):
        attempt.run()


def test_names_of_python_are_refused_to_the_attempt_alone(make: Any) -> None:
    source = """
    import builtins, collections, heapq, statistics
    from collections import Counter, OrderedDict
    def counter(): return Counter("aab")
    def dotted(): return collections.Counter("aab")
    def derived():
        class Mine(Counter): pass
        return Mine("aab")
    def ordered(): return OrderedDict()
    def heap(): return heapq.heappush([], 1)
    def nlargest(): return heapq.nlargest(1, [1, 2])
    def order(): return sorted([2, 1])
    def applied(): return list(map(sorted, [[2, 1]]))
    def indirect(): return statistics.mode([1, 1, 2])  # has a Counter of its own
    def kind(): return isinstance(collections.OrderedDict, type)
    """
    forbid = ["collections.Counter", "collections.OrderedDict", "heapq.heappush", "heapq.nlargest", "sorted"]
    attempt = make(textwrap.dedent(source), forbid=forbid)
    for way in ("counter", "dotted", "derived", "ordered", "heap", "nlargest", "order", "applied"):
        with pytest.raises(RuleBroken):
            attempt[way]()
    assert attempt.indirect() == 1
    assert attempt.kind()


def test_similar_names_are_left_alone(make: Any) -> None:
    source = HEAD + textwrap.dedent(
        """
        def relu(x): return x.clamp(min=0)
        def others():
            F.silu(x); F.gelu(x); F.hardsigmoid(x); torch.tanh(x); F.layer_norm(x, (3,)); x.amax(0); np.exp(1.0)
            nn.Linear(3, 2)(x); F.linear(x, x); F.pad(x, (1, 1)); F.unfold(image, 2); F.max_pool2d(image, 2)
            return relu(x)
        class Softmax:
            def softmax(self, x): return x
        def method(): return Softmax().softmax(x)
        """
    )
    forbid = ["torch.relu", "torch.sigmoid", "torch.softmax", "torch.sort", "F.conv2d", "F.group_norm", "torch.optim"]
    attempt = make(source, forbid=forbid)
    assert attempt.others().min() == 0
    assert torch.equal(attempt.method(), torch.linspace(-1, 1, 6).reshape(2, 3))


def test_short_names_and_patterns_are_spelled_out() -> None:
    assert means.spelled_out("F.silu") == ["torch.nn.functional.silu"]
    assert means.spelled_out("Tensor.backward") == ["torch.Tensor.backward"]
    assert means.spelled_out("scaled_dot_product_attention") == ["torch.nn.functional.scaled_dot_product_attention"]
    assert "torch.nn.TransformerEncoder" in means.spelled_out("nn.Transformer*")
    assert means.spelled_out("sklearn") == ["sklearn"]
    assert means.job_of("torch.special.softmax") is means.job_of("torch.softmax")
