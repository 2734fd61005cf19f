"""Softmax as one might write it from the statement alone: the wrong answers are rejected, the honest ones pass."""

from __future__ import annotations

import pytest

HEAD = "import math\nimport torch\nfrom torch import Tensor\n"

STABLE = """
def softmax(x, dim=-1):
    wide = x.float()
    e = (wide - wide.max(dim, keepdim=True).values).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)
"""
STABLE_LOG = """
def log_softmax(x, dim=-1):
    wide = x.float()
    wide = wide - wide.max(dim, keepdim=True).values
    return (wide - wide.exp().sum(dim, keepdim=True).log()).to(x.dtype)
"""

# what replaces one of the two functions, the other being right: (name, source)
WRONG = {
    "nothing is subtracted": """
def softmax(x, dim=-1):
    e = x.float().exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)
""",
    "logits are clamped instead of shifted": """
def softmax(x, dim=-1):
    e = x.float().clamp(-80, 80).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)
""",
    "eps in the denominator": """
def softmax(x, dim=-1):
    wide = x.float()
    e = (wide - wide.max(dim, keepdim=True).values).exp()
    return (e / (e.sum(dim, keepdim=True) + 1e-5)).to(x.dtype)
""",
    "NaN made zero": """
def softmax(x, dim=-1):
    wide = x.float()
    e = (wide - wide.max(dim, keepdim=True).values).exp()
    return (e / e.sum(dim, keepdim=True)).nan_to_num().to(x.dtype)
""",
    "dim is ignored": """
def softmax(x, dim=-1):
    wide = x.float()
    e = (wide - wide.max(-1, keepdim=True).values).exp()
    return (e / e.sum(-1, keepdim=True)).to(x.dtype)
""",
    "half precision all through": """
def softmax(x, dim=-1):
    e = (x - x.max(dim, keepdim=True).values).exp()
    total = e.new_zeros(())
    for part in e.unbind(dim):
        total = total + part
    return e / total.unsqueeze(dim)
""",
    "shifted in place": """
def softmax(x, dim=-1):
    x -= x.max(dim, keepdim=True).values
    e = x.float().exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)
""",
    "computed by numpy": """
def softmax(x, dim=-1):
    a = x.detach().float().numpy()
    import numpy as np
    e = np.exp(a - a.max(dim, keepdims=True))
    return torch.from_numpy(e / e.sum(dim, keepdims=True)).to(x.dtype)
""",
    "torch's own": """
def softmax(x, dim=-1):
    return torch.softmax(x, dim)
""",
    "torch's own by another name": """
def softmax(x, dim=-1):
    return torch.nn.Softmax(dim)(x)
""",
    "without gradient": """
@torch.no_grad()
def softmax(x, dim=-1):
    wide = x.float()
    e = (wide - wide.max(dim, keepdim=True).values).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)
""",
    "rows only": """
def softmax(x, dim=-1):
    rows = [(r - r.max()).exp() / (r - r.max()).exp().sum() for r in x.float().reshape(-1, x.shape[-1])]
    return torch.stack(rows).reshape(x.shape).to(x.dtype)
""",
    "log of the softmax": """
def log_softmax(x, dim=-1):
    return softmax(x, dim).log()
""",
    "log of the softmax with eps": """
def log_softmax(x, dim=-1):
    return (softmax(x, dim) + 1e-9).log()
""",
    "the maximum is not given back": """
def log_softmax(x, dim=-1):
    wide = x.float()
    top = wide.max(dim, keepdim=True).values
    return (wide - (wide - top).exp().sum(dim, keepdim=True).log()).to(x.dtype)
""",
    "−inf made a large negative": """
def log_softmax(x, dim=-1):
    wide = x.float().clamp(min=-1e9)
    wide = wide - wide.max(dim, keepdim=True).values
    return (wide - wide.exp().sum(dim, keepdim=True).log()).to(x.dtype)
""",
}

HONEST = {
    "plainly": STABLE + STABLE_LOG,
    "through one another": STABLE_LOG
    + """
def softmax(x, dim=-1):
    return log_softmax(x.float(), dim).exp().to(x.dtype)
""",
    "in double": """
def softmax(x: Tensor, dim: int = -1) -> Tensor:
    wide = x.double()
    e = torch.exp(wide - torch.amax(wide, dim=dim, keepdim=True))
    return torch.div(e, torch.sum(e, dim=dim, keepdim=True)).type_as(x)

def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    wide = x.double()
    top = torch.amax(wide, dim=dim, keepdim=True)
    return (wide - top - torch.log(torch.sum(torch.exp(wide - top), dim=dim, keepdim=True))).type_as(x)
""",
    "with a detached maximum and a reciprocal": STABLE_LOG
    + """
def softmax(x, dim=-1):
    wide = x.to(torch.float32)
    shifted = wide.sub(wide.detach().amax(dim, keepdim=True))
    e = math.e ** shifted
    return e.mul(e.sum(dim, keepdim=True).reciprocal()).to(x.dtype)
""",
    "in chunks, online": STABLE_LOG
    + """
def softmax(x, dim=-1):
    if x.dim() == 0:
        return softmax(x[None])[0]
    wide = x.float().movedim(dim, -1)
    top = torch.full(wide.shape[:-1], -math.inf)
    total = torch.zeros(wide.shape[:-1])
    for part in wide.split(64, -1):
        new = torch.maximum(top, part.amax(-1))
        safe = torch.where(new.isinf(), torch.zeros(()), new)
        old = torch.where(top.isinf(), torch.zeros(()), (top - safe).exp())
        total = total * old + (part - safe.unsqueeze(-1)).exp().sum(-1)
        top = new
    safe = torch.where(top.isinf(), torch.zeros(()), top).unsqueeze(-1)
    return ((wide - safe).exp() / total.unsqueeze(-1)).movedim(-1, dim).to(x.dtype)
""",
    "by an autograd function of its own": STABLE_LOG
    + """
class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dim):
        wide = x.float()
        e = (wide - wide.amax(dim, keepdim=True)).exp()
        y = e / e.sum(dim, keepdim=True)
        ctx.save_for_backward(y)
        ctx.dim, ctx.dtype = dim, x.dtype
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        g = g.float()
        return (y * (g - (g * y).sum(ctx.dim, keepdim=True))).to(ctx.dtype), None

def softmax(x, dim=-1):
    return Softmax.apply(x, dim)
""",
}


@pytest.fixture(scope="module")
def verdicts(judge):
    sources = {name: HEAD + STABLE + STABLE_LOG + source for name, source in WRONG.items()}
    sources |= {name: HEAD + source for name, source in HONEST.items()}
    graded = judge.each("softmax", sources.values(), diagnose=False)
    return {name: graded[source] for name, source in sources.items()}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_rejected(verdicts, say, name):
    assert verdicts[name].status == "failed"
    assert set(say.failed(verdicts[name]).values()) <= {"wrong", "contract", "rule", "error"}


@pytest.mark.parametrize("name", HONEST)
def test_honest_answers_pass(verdicts, say, name):
    assert say.failed(verdicts[name]) == {}
