"""The sparse layer against Mixtral's of transformers, and against a dense program that runs every expert."""

from __future__ import annotations

import pytest
import torch

SIZES = [(1, 1, 4, 3, 2, 1), (2, 5, 6, 8, 4, 2), (3, 7, 8, 5, 6, 3), (2, 17, 12, 6, 8, 2), (1, 4, 5, 4, 3, 3)]
DTYPES = [torch.float32, torch.float64]


def layer_of(module, size, renormalize, dtype):
    _, _, d_model, d_ff, experts, top_k = size
    layer = module.SparseMoE(d_model, d_ff, experts, top_k, renormalize)
    for p in layer.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return layer.to(dtype)


def called(layer):
    """The layer as a function of x and its parameters."""
    names = [name for name, _ in layer.named_parameters()]

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    return call, [p.detach() for p in layer.parameters()]


def stacked(layer, values):
    """Parameters of ours by name, and those of the experts as transformers stacks them."""
    named = dict(zip([name for name, _ in layer.named_parameters()], values, strict=True))
    gate_up, down = [], []
    for e in range(layer.num_experts):
        gate_up.append(torch.cat([named[f"experts.{e}.{name}.weight"] for name in ("gate_proj", "up_proj")]))
        down.append(named[f"experts.{e}.down_proj.weight"])
    return named["gate.weight"], torch.stack(gate_up), torch.stack(down)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_mixtral(solution, library, agree, conditioning, pulled, size):
    """In float32 alone: the softmax of transformers' router is float32 whatever it is given."""
    dtype = torch.float32
    config = library("transformers").MixtralConfig
    _, _, d_model, d_ff, experts, top_k = size
    layer = layer_of(solution("moe_layer"), size, True, dtype)
    block = (
        library("transformers.models.mixtral.modeling_mixtral")
        .MixtralSparseMoeBlock(
            config(hidden_size=d_model, intermediate_size=d_ff, num_local_experts=experts, num_experts_per_tok=top_k)
        )
        .to(dtype)
    )

    def theirs(x, *values):
        gate, gate_up, down = stacked(layer, values)
        weights = {"gate.weight": gate, "experts.gate_up_proj": gate_up, "experts.down_proj": down}
        out = torch.func.functional_call(block, weights, (x,))
        return (out[0] if isinstance(out, tuple) else out).view_as(x)

    compare(layer, theirs, size, dtype, agree, conditioning, pulled)


@pytest.mark.parametrize("renormalize", [True, False])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_expert_on_every_token(solution, agree, conditioning, pulled, size, dtype, renormalize):
    """The dense program: all experts on all tokens by one einsum, weights of those not chosen 0."""
    top_k = size[-1]
    layer = layer_of(solution("moe_layer"), size, renormalize, dtype)

    def theirs(x, *values):
        gate, gate_up, down = stacked(layer, values)
        p = torch.softmax(x @ gate.T, dim=-1)
        border = p.detach().sort(dim=-1, descending=True).values[..., top_k - 1 : top_k]
        w = torch.where(p >= border, p, 0.0)
        w = w / w.sum(-1, keepdim=True) if renormalize else w
        g, u = torch.einsum("btd,efd->btef", x, gate_up).chunk(2, dim=-1)
        return torch.einsum("btef,edf,bte->btd", torch.nn.functional.silu(g) * u, down, w)

    compare(layer, theirs, size, dtype, agree, conditioning, pulled)


def compare(layer, theirs, size, dtype, agree, conditioning, pulled):
    """Values and gradients of the output; the logits are a linear layer."""
    ours, parameters = called(layer)
    batch, seq_len, d_model, *_ = size
    x = clear(layer, torch.randn(8, batch * seq_len, d_model, dtype=dtype)).view(batch, seq_len, d_model)
    scales = conditioning(lambda *inputs: pulled(theirs, inputs), [x, *parameters])
    found = pulled(lambda *inputs: ours(*inputs)[0], [x, *parameters])
    for mine, right, scale in zip(found, pulled(theirs, [x, *parameters]), scales, strict=True):
        agree(mine, right, scale)
    logits = ours(x, *parameters)[1]
    assert torch.equal(logits, layer.gate(x.view(-1, d_model)))


def clear(layer, drawn):
    """Of several tokens for each place, one that the router does not hesitate about."""
    if layer.top_k == layer.num_experts:
        return drawn[0]
    logits = layer.gate(drawn).detach().sort(dim=-1, descending=True).values
    first = (logits[..., layer.top_k - 1] - logits[..., layer.top_k] > 0.01).int().argmax(dim=0)
    return drawn[first, torch.arange(drawn.shape[1])]


@pytest.mark.parametrize("renormalize", [True, False])
def test_derivatives(solution, renormalize):
    layer = layer_of(solution("moe_layer"), (1, 4, 3, 2, 4, 2), renormalize, torch.float64)
    call, parameters = called(layer)
    x = clear(layer, torch.randn(8, 4, 3, dtype=torch.float64)).view(1, 4, 3)
    assert torch.autograd.gradcheck(call, [value.requires_grad_() for value in (x, *parameters)])
