"""The DPO loss against trl's trainer: on a small model from tokens to gradients, and on given log-probabilities.

Its loss type "sigmoid" takes no label smoothing. "aot" does, by the same formula, on margins that it sorts first: one
pair at a time nothing is left to sort.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning"),
]
VOCAB = 23
DTYPES = [torch.float32, torch.float64]


@pytest.fixture
def trainer(library, tmp_path):
    """trainer(beta, loss_type, label_smoothing, precomputed): trl's trainer of a tiny Llama and its reference."""
    trl, transformers, tokenizers = library("trl"), library("transformers"), library("tokenizers")
    config = transformers.LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        initializer_range=0.5,
        attn_implementation="sdpa",
    )
    words = {f"w{n}": n for n in range(VOCAB)}
    model = tokenizers.models.WordLevel(words, unk_token="w0")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(model), pad_token="w1", eos_token="w2", unk_token="w0"
    )
    pairs = library("datasets").Dataset.from_list([{"prompt": "w3 w4", "chosen": "w5", "rejected": "w6"}] * 2)

    def make(beta, loss_type="sigmoid", label_smoothing=0.0, precomputed=False):
        args = trl.DPOConfig(
            str(tmp_path),
            beta=beta,
            loss_type=[loss_type],
            label_smoothing=label_smoothing,
            report_to=[],
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            disable_tqdm=True,
        )
        policy, frozen = (transformers.LlamaForCausalLM(config) for _ in range(2))
        made = trl.DPOTrainer(policy, frozen, args, train_dataset=pairs, processing_class=tokenizer)
        made.precompute_ref_logps = precomputed
        return made

    return make


class Given(nn.Module):
    """Stands for a model whose log-probabilities are known: one counted token a row holds all of them."""

    def __init__(self, chosen, rejected):
        super().__init__()
        self.logps = torch.cat((chosen, rejected)).unsqueeze(-1)

    def forward(self, **_):
        nothing = torch.zeros_like(self.logps).detach()
        return SimpleNamespace(log_probs=self.logps, entropy=nothing, mean_logits=nothing, is_top1=nothing.bool())


def trl_loss(trainer, logps, pair=slice(None)):
    """What trl makes of given log-probabilities of some pairs, and the rewards that it logs."""
    chosen, rejected, ref_chosen, ref_rejected = (value[pair] for value in logps)
    rows = 2 * len(chosen)
    inputs = {
        "input_ids": torch.zeros(rows, 2, dtype=torch.long),
        "attention_mask": torch.ones(rows, 2, dtype=torch.long),
        "completion_mask": torch.tensor([[0, 1]]).expand(rows, 2),
        "ref_chosen_logps": ref_chosen,
        "ref_rejected_logps": ref_rejected,
    }
    loss = trainer.compute_loss(Given(chosen, rejected), inputs)
    log = trainer._metrics["train" if trainer.model.training else "eval"]
    return loss, log["rewards/chosen"][-1], log["rewards/rejected"][-1]


def drawn(batch, dtype, spread):
    return [torch.rand(batch, dtype=dtype) * -60 - 5 for _ in range(2)] + [
        torch.rand(batch, dtype=dtype) * spread - 60 for _ in range(2)
    ]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("beta", [0.1, 0.5])
@pytest.mark.parametrize("spread", [4.0, 400.0, 20000.0])
@pytest.mark.parametrize("batch", [1, 5, 64])
def test_loss_rewards_and_gradients(solution, trainer, agree, conditioning, pulled, beta, spread, batch, dtype):
    logps, made = drawn(batch, dtype, spread), trainer(beta, precomputed=True)
    ours = lambda *logps: solution("dpo_loss").dpo_loss(*logps, beta=beta)  # noqa: E731
    means = lambda chosen, rejected: [value.mean() for value in ours(chosen, rejected, *logps[2:])[1:]]  # noqa: E731
    scales = conditioning(
        lambda *logps: pulled(lambda c, r: ours(c, r, *logps[2:])[0], logps[:2]) + list(ours(*logps)[1:]), logps
    )
    mine = pulled(lambda c, r: ours(c, r, *logps[2:])[0], logps[:2])
    theirs = pulled(lambda c, r: trl_loss(made, [c, r, *logps[2:]])[0], logps[:2])
    for found, right, scale in zip(mine, theirs, scales[:3], strict=True):
        agree(found, right, scale)
    rewards = [torch.tensor(value, dtype=dtype) for value in trl_loss(made, logps)[1:]]
    for found, right, scale in zip(means(*logps[:2]), rewards, scales[3:], strict=True):
        agree(found, right, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("label_smoothing", [0.1, 0.3])
@pytest.mark.parametrize("spread", [4.0, 20000.0])
def test_label_smoothing(solution, trainer, agree, conditioning, pulled, spread, label_smoothing, dtype):
    logps, made = drawn(7, dtype, spread), trainer(0.2, "aot", label_smoothing, precomputed=True)

    def ours(chosen, rejected, *others):
        return solution("dpo_loss").dpo_loss(chosen, rejected, *others, 0.2, label_smoothing)[0]

    def theirs(chosen, rejected):
        pairs = [slice(n, n + 1) for n in range(len(chosen))]
        return torch.stack([trl_loss(made, [chosen, rejected, *logps[2:]], pair)[0] for pair in pairs]).mean()

    scales = conditioning(lambda *logps: pulled(lambda c, r: ours(c, r, *logps[2:]), logps[:2]), logps)
    mine = pulled(lambda c, r: ours(c, r, *logps[2:]), logps[:2])
    for found, right, scale in zip(mine, pulled(theirs, logps[:2]), scales, strict=True):
        agree(found, right, scale)


def batch_of(seq_len):
    """Two chosen and two rejected rows: a prompt, a response, padding."""
    input_ids = torch.randint(3, VOCAB, (4, seq_len))
    start = torch.tensor([2, 1, 3, 2])[:, None]
    stop = torch.tensor([seq_len, seq_len - 2, seq_len - 1, seq_len])[:, None]
    position = torch.arange(seq_len)
    counted = (position >= start) & (position < stop)
    return {
        "input_ids": input_ids,
        "attention_mask": (position < stop).long(),
        "completion_mask": counted.long(),
    }


@pytest.mark.parametrize("seq_len", [6, 17])
def test_from_tokens_to_the_gradients_of_the_model(solution, trainer, agree, conditioning, seq_len):
    """trl's own forward pass, shift, mask and sum against sequence_logps on the logits of the same model.

    In float32 alone: trl works log-probabilities out in it, whatever the model is.
    """
    dpo, made, batch = solution("dpo_loss"), trainer(0.3), batch_of(seq_len)
    models = [made.model, made.ref_model]
    parameters = [p.detach() for p in made.model.parameters()]
    logits = [model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits for model in models]
    mask = batch["completion_mask"].bool()
    labels = batch["input_ids"].masked_fill(~mask, -100)

    def ours(policy, reference):
        logps = [dpo.sequence_logps(logits, labels, mask) for logits in (policy, reference)]
        return dpo.dpo_loss(*logps[0].chunk(2), *logps[1].chunk(2), beta=0.3)[0]

    mine = ours(*logits)
    theirs = made.compute_loss(made.model, batch)
    # both have rounded the model's own forward and backward pass
    names = [name for name, _ in made.model.named_parameters()]

    def whole(*values):
        policy = torch.func.functional_call(
            made.model.double(), dict(zip(names, values, strict=True)), batch["input_ids"],
            {"attention_mask": batch["attention_mask"]},
        ).logits  # fmt: skip
        loss = ours(policy, logits[1].detach().double())
        return [loss, *torch.autograd.grad(loss, values)]

    found = [mine, *torch.autograd.grad(mine, list(made.model.parameters()))]
    right = [theirs, *torch.autograd.grad(theirs, list(made.model.parameters()))]
    scales = conditioning(lambda *values: whole(*(value.requires_grad_() for value in values)), parameters)
    for a, b, scale in zip(found, right, scales, strict=True):
        agree(a, b, scale)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("batch", "seq_len"), [(1, 2), (3, 9), (2, 65)])
def test_sequence_logps(solution, library, agree, conditioning, pulled, batch, seq_len, dtype):
    utils = library("trl.trainer.utils")
    logits = torch.randn(batch, seq_len, VOCAB, dtype=dtype) * 3
    labels, mask = torch.randint(1, VOCAB, (batch, seq_len)), torch.rand(batch, seq_len) < 0.6
    logits[..., 0] = -torch.inf  # a banned token, never counted
    labels[~mask] = 0

    def theirs(logits):
        logps = utils.selective_log_softmax(logits[:, :-1], labels[:, 1:])
        return logps.masked_fill(~mask[:, 1:], 0.0).sum(-1)

    def ours(logits):
        return solution("dpo_loss").sequence_logps(logits, labels, mask)

    scales = conditioning(lambda logits: pulled(ours, [logits]), [logits])
    for mine, right, scale in zip(pulled(ours, [logits]), pulled(theirs, [logits]), scales, strict=True):
        agree(mine, right, scale)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_derivatives(solution, label_smoothing):
    dpo = solution("dpo_loss")
    policy = [torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    frozen = [torch.randn(3, dtype=torch.float64) for _ in range(2)]
    assert torch.autograd.gradcheck(lambda *logps: dpo.dpo_loss(*logps, *frozen, 0.5, label_smoothing)[0], policy)
    logits = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    labels, mask = torch.randint(0, 5, (2, 4)), torch.tensor([[False, True, True, False], [True] * 4])
    assert torch.autograd.gradcheck(lambda logits: dpo.sequence_logps(logits, labels, mask), (logits,))
