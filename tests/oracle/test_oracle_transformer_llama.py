"""The model against transformers' LlamaForCausalLM, whose state dict loads as it is.

Where a token may attend to nothing Hugging Face has no zeros: padding is on the right, or stands behind one real token.
Its norms and rotations are float32 whatever it is given, so that fp64 is held to fp32's accuracy.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

SIZES = [  # batch, tokens, cached, hidden, intermediate, layers, heads, kv_heads, head_dim, theta, eps
    (1, 2, 0, 8, 12, 1, 2, 1, 4, 10000.0, 1e-5),
    (2, 7, 3, 16, 20, 2, 4, 2, 4, 500000.0, 1e-6),
    (3, 5, 4, 12, 14, 2, 6, 3, 6, 100.0, 0.1),
]
VOCAB = 13


def models(module, library, size, dtype):
    _, _, _, hidden, intermediate, layers, heads, kv_heads, head_dim, theta, eps = size
    config = module.LlamaConfig(VOCAB, hidden, intermediate, layers, heads, kv_heads, head_dim, eps, theta)
    model = module.LlamaLM(config).to(dtype)
    for p in model.parameters():
        nn.init.normal_(p, std=0.5)
    oracle = library("transformers").LlamaForCausalLM(
        library("transformers").LlamaConfig(
            vocab_size=VOCAB,
            hidden_size=hidden,
            intermediate_size=intermediate,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            head_dim=head_dim,
            rms_norm_eps=eps,
            rope_parameters={"rope_type": "default", "rope_theta": theta},
            tie_word_embeddings=False,
            attn_implementation="eager",
        )
    )
    oracle.load_state_dict(model.state_dict(), strict=True)
    return model, oracle.to(dtype).eval()


def real_tokens(batch, length):
    """True but for some tokens, never the first."""
    real = torch.rand(batch, length) < 0.7
    real[:, 0] = True
    return real


@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients(solution, library, agree, conditioning, pulled, size, masked):
    model, oracle = models(solution("transformer_llama"), library, size, torch.float32)
    batch, tokens = size[0], size[1] + size[2]
    ids = torch.randint(0, VOCAB, (batch, tokens))
    real = real_tokens(batch, tokens) if masked else None
    names = [name for name, _ in model.named_parameters()]

    def ours(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (ids, real))[0]

    def theirs(*values):
        given = {"input_ids": ids, "attention_mask": None if real is None else real.long()}
        given["position_ids"] = torch.arange(tokens).expand(batch, tokens)
        return torch.func.functional_call(oracle, dict(zip(names, values, strict=True)), (), given).logits

    inputs = [p.detach() for p in model.parameters()]
    scales = conditioning(lambda *values: pulled(ours, values), inputs)
    for mine, right, scale in zip(pulled(ours, inputs), pulled(theirs, inputs), scales, strict=True):
        agree(mine, right, scale, 16)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("size", SIZES[1:], ids=str)
def test_cache(solution, library, agree, size, dtype):
    """Logits and the cache itself, prefill and then the rest, with padding among the cached tokens."""
    model, oracle = models(solution("transformer_llama"), library, size, dtype)
    batch, new, cached = size[:3]
    ids, real = torch.randint(0, VOCAB, (batch, cached + new)), real_tokens(batch, cached + new)
    units = 512 if dtype is torch.float32 else 512 * 2**29  # norms and rotations of the oracle are in float32
    cache = past = None
    with torch.no_grad():
        for start, end in ((0, cached), (cached, cached + new)):
            logits, cache = model(ids[:, start:end], real[:, :end], cache)
            right = oracle(
                input_ids=ids[:, start:end],
                attention_mask=real[:, :end].long(),
                position_ids=torch.arange(start, end).expand(batch, end - start),
                past_key_values=past,
                use_cache=True,
            )
            past = right.past_key_values
            agree(logits, right.logits.to(dtype), right.logits.abs().max(), units)
            for (keys, values), layer in zip(cache, past.layers, strict=True):
                agree(keys, layer.keys.to(dtype), layer.keys.abs().max(), units)
                agree(values, layer.values.to(dtype), layer.values.abs().max(), units)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_loss(solution, library, agree, size):
    model, oracle = models(solution("transformer_llama"), library, size, torch.float32)
    ids = torch.randint(0, VOCAB, (size[0], size[1] + size[2]))
    labels = ids.masked_fill(torch.rand(ids.shape) < 0.4, -100)
    labels[:, 1] = ids[:, 1]
    right = oracle(input_ids=ids, labels=labels).loss
    agree(model.loss(ids, labels), right, F.relu(right).detach() + 1, 256)


def test_derivatives(solution, library):
    """Padding on the left as well, where a token may attend to nothing."""
    model, _ = models(solution("transformer_llama"), library, (2, 3, 0, 4, 5, 1, 2, 1, 2, 10.0, 0.1), torch.float64)
    ids, real = torch.randint(0, VOCAB, (2, 3)), torch.tensor([[True, True, True], [False, True, True]])
    names = [name for name, _ in model.named_parameters()]

    def call(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (ids, real))[0]

    assert torch.autograd.gradcheck(call, [p.detach().clone().requires_grad_() for p in model.parameters()])
