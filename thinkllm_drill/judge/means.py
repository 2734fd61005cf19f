"""What a forbidden name stands for: every kernel and every Python name that does the same job."""

from __future__ import annotations

import fnmatch
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Means:
    """One job and the ways to have it done.

    `names` are what an exercise may call it, the first being its own; `kernels` are the operators of `aten` that do it
    (those that are made of them come to them), `within` those that do it among other things; `python` are functions,
    classes and modules that are no kernel's.
    """

    names: tuple[str, ...]
    kernels: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    python: tuple[str, ...] = ()


F, NN = "torch.nn.functional.", "torch.nn."
_SDPA = (
    "scaled_dot_product_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_cudnn_attention",
    "_scaled_dot_product_fused_attention_overrideable",
    "_scaled_dot_product_attention_math",
    "_flash_attention_forward",
    "_efficient_attention_forward",
    "_native_multi_head_attention",
    "_transformer_encoder_layer_fwd",
)
_FLEX = ("torch.nn.attention.flex_attention.flex_attention",)
_FUNCTIONAL = ("vjp", "jvp", "vhp", "hvp", "jacobian", "hessian")
_TRANSFORMS = ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "hessian", "linearize")
_EAGER = ("_vjp_with_argnums", "_jvp_with_argnums", "_autograd_grad", "grad_impl", "grad_and_value_impl", "vjp")

AUTOGRAD = Means(
    ("torch.autograd.grad", "torch.autograd.backward", "torch.Tensor.backward", "torch.func.grad"),
    ("_make_dual", "_make_dual_copy", "_backward"),
    python=(
        "torch.autograd.graph._engine_run_backward",
        "torch.autograd.graph.get_gradient_edge",
        "torch.autograd.forward_ad.make_dual",
        "torch.autograd.forward_ad.enter_dual_level",
        *(f"torch.autograd.functional.{name}" for name in _FUNCTIONAL),
        *(f"torch.func.{name}" for name in _TRANSFORMS),
        *(f"torch._functorch.eager_transforms.{name}" for name in (*_EAGER, "jvp", "jacrev", "jacfwd", "hessian")),
    ),
)

JOBS: tuple[Means, ...] = (
    Means(
        ("torch.softmax", F + "softmax", NN + "Softmax", "torch.Tensor.softmax", "torch.special.softmax"),
        ("_softmax", "_safe_softmax", "_masked_softmax", "_sparse_softmax"),
        _SDPA,
        (F + "softmin", "scipy.special.softmax", "scipy.special._logsumexp.softmax"),
    ),
    Means(
        ("torch.log_softmax", F + "log_softmax", NN + "LogSoftmax", "torch.special.log_softmax"),
        ("_log_softmax", "_sparse_log_softmax"),
        ("cross_entropy_loss",),
        ("scipy.special.log_softmax", "scipy.special._logsumexp.log_softmax"),
    ),
    Means(
        ("torch.logsumexp", "torch.special.logsumexp", "torch.Tensor.logsumexp"),
        ("logsumexp", "logcumsumexp", "_logcumsumexp"),
        python=("scipy.special.logsumexp", "scipy.special._logsumexp.logsumexp", "numpy.logaddexp"),
    ),
    Means(("torch.logaddexp",), ("logaddexp", "logaddexp2"), python=("numpy.logaddexp", "numpy.logaddexp2")),
    Means((F + "gumbel_softmax",)),
    Means(
        ("torch.sigmoid", F + "sigmoid", NN + "Sigmoid", "torch.special.expit"),
        ("sigmoid",),
        python=("scipy.special.expit",),
    ),
    Means(
        (F + "logsigmoid", NN + "LogSigmoid"),
        ("log_sigmoid", "log_sigmoid_forward"),
        python=("scipy.special.log_expit",),
    ),
    Means((F + "softplus", NN + "Softplus"), ("softplus",)),
    Means(("torch.tanh", F + "tanh", NN + "Tanh"), ("tanh",), python=("numpy.tanh",)),
    Means(("torch.relu", F + "relu", NN + "ReLU"), ("relu",)),
    Means((F + "leaky_relu", NN + "LeakyReLU"), ("leaky_relu", "prelu", "_prelu_kernel", "rrelu")),
    Means((F + "elu", NN + "ELU"), ("elu", "celu", "selu")),
    Means((F + "silu", NN + "SiLU"), ("silu",)),
    Means((F + "gelu", NN + "GELU"), ("gelu",)),
    Means((F + "glu", NN + "GLU"), ("glu",)),
    Means((F + "layer_norm", NN + "LayerNorm"), ("native_layer_norm",)),
    Means((F + "rms_norm", NN + "RMSNorm"), ("rms_norm", "_fused_rms_norm")),
    Means(
        (F + "batch_norm", NN + "BatchNorm1d", NN + "BatchNorm2d", NN + "BatchNorm3d", "torch.native_batch_norm"),
        ("batch_norm", "native_batch_norm", "_batch_norm_impl_index", "_batch_norm_with_update", "instance_norm"),
        ("_native_batch_norm_legit", "cudnn_batch_norm"),
    ),
    Means((F + "group_norm", NN + "GroupNorm"), ("group_norm", "native_group_norm")),
    Means(
        (F + "dropout", NN + "Dropout"),
        ("dropout", "native_dropout", "_fused_dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"),
    ),
    Means(
        (F + "embedding", NN + "Embedding"),
        ("embedding", "embedding_bag", "_embedding_bag", "_embedding_bag_forward_only"),
    ),
    Means((F + "scaled_dot_product_attention", "torch.nn.attention.scaled_dot_product_attention"), _SDPA, python=_FLEX),
    Means((NN + "MultiheadAttention",), _SDPA, python=(F + "multi_head_attention_forward",)),
    Means(_FLEX, python=("torch.nn.attention.flex_attention",)),
    Means((NN + "Transformer",), ("_transformer_encoder_layer_fwd",)),
    Means(
        (F + "cross_entropy", NN + "CrossEntropyLoss"),
        ("cross_entropy_loss", "nll_loss_forward", "nll_loss2d_forward", "nll_loss_nd"),
    ),
    Means((F + "nll_loss", NN + "NLLLoss"), ("nll_loss_forward", "nll_loss2d_forward", "nll_loss_nd", "nll_loss")),
    Means((F + "binary_cross_entropy", NN + "BCELoss"), ("binary_cross_entropy",)),
    Means((F + "binary_cross_entropy_with_logits", NN + "BCEWithLogitsLoss"), ("binary_cross_entropy_with_logits",)),
    Means((F + "kl_div", NN + "KLDivLoss"), ("kl_div",), python=("scipy.special.kl_div", "scipy.special.rel_entr")),
    Means((F + "mse_loss", NN + "MSELoss"), ("mse_loss",)),
    Means((F + "huber_loss", NN + "HuberLoss"), ("huber_loss",), python=("scipy.special.huber",)),
    Means((F + "smooth_l1_loss", NN + "SmoothL1Loss"), ("smooth_l1_loss",)),
    Means(
        (F + "conv2d", NN + "Conv2d", F + "conv1d", NN + "Conv1d", F + "conv3d", NN + "Conv3d"),
        ("conv1d", "conv2d", "conv3d", "convolution", "_convolution", "_convolution_mode", "mkldnn_convolution"),
        ("thnn_conv2d", "_slow_conv2d_forward", "slow_conv_dilated2d", "slow_conv3d", "conv_tbc"),
    ),
    Means(
        ("torch.optim",),
        ("_fused_adamw_", "_fused_adam_", "_fused_sgd_", "_fused_adagrad_", "_fused_adamw", "_fused_adam"),
    ),
    Means(("torch._fused_adamw_",), ("_fused_adamw_", "_fused_adamw")),
    Means(
        ("torch.nn.utils.clip_grad_norm_", "torch.nn.utils.clip_grad.clip_grad_norm_"),
        python=(
            "torch.nn.utils.clip_grad_norm",
            "torch.nn.utils.clip_grads_with_norm_",
            "torch.nn.utils.get_total_norm",
            "torch.nn.utils.clip_grad._get_total_norm",
            "torch.nn.utils.clip_grad._clip_grads_with_norm_",
        ),
    ),
    Means(
        ("torch.amp.GradScaler", "torch.cuda.amp.GradScaler", "torch.cpu.amp.GradScaler"),
        ("_amp_foreach_non_finite_check_and_unscale_", "_amp_update_scale_"),
    ),
    Means(("torch.utils.checkpoint", "torch.utils.checkpoint.checkpoint")),
    Means(("torch.multinomial", "torch.Tensor.multinomial"), ("multinomial",)),
    Means(
        ("torch.sort", "torch.Tensor.sort", "torch.argsort", "torch.Tensor.argsort", "torch.msort"),
        ("sort", "argsort", "msort"),
        python=("numpy.sort", "numpy.argsort", "numpy.lexsort"),
    ),
    Means(("torch.topk", "torch.Tensor.topk"), ("topk",), python=("numpy.partition", "numpy.argpartition")),
    Means(
        ("torch.unique", "torch.Tensor.unique", "torch.unique_consecutive"),
        ("_unique2", "_unique", "unique_dim", "unique_consecutive", "unique_dim_consecutive"),
        python=("numpy.unique",),
    ),
    AUTOGRAD,
)

IN_PYTHON = (
    "torch._refs",
    "torch._refs.nn.functional",
    "torch._refs.special",
    "torch._decomp.decompositions",
    "torch._decomp.decompositions_for_jvp",
)
"""Where torch has its kernels once more, written in Python."""
SHORT = {"F.": F, "nn.": NN, "Tensor.": "torch.Tensor.", "optim.": "torch.optim.", "functional.": F}


@cache
def _by_name() -> dict[str, Means]:
    return {name: job for job in JOBS for name in job.names}


@cache
def _by_last_part() -> dict[str, str]:
    return {job.names[0].rpartition(".")[2]: job.names[0] for job in reversed(JOBS)}


def spelled_out(name: str) -> list[str]:
    """The full names that a forbidden name means: `F.silu`, `flex_attention` and `nn.Transformer*` are understood."""
    if name == "torch.autograd":  # of which `Function` stays
        return [AUTOGRAD.names[0]]
    if "." not in name:
        name = _by_last_part().get(name, name)
    for short, full in SHORT.items():
        if name.startswith(short):
            name = full + name.removeprefix(short)
    if "*" not in name:
        return [name]
    module, _, pattern = name.rpartition(".")
    return [f"{module}.{found}" for found in fnmatch.filter(vars(sys.modules.get(module, sys)), pattern)]


def job_of(name: str) -> Means:
    """The job of a full name; of one that is in no table, what can be told from the name."""
    known = _by_name().get(name)
    if known is not None:
        return known
    if not name.startswith("torch."):
        return Means((name,))
    kernel = name.rpartition(".")[2]
    if name.startswith(NN + "Transformer"):
        return Means((name,), _by_name()[NN + "Transformer"].kernels)
    return Means((name,), (kernel,))


def kernels_of(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every kernel to refuse, and the forbidden name that it is refused for: the one whose own job it is first."""
    jobs = [(name, job_of(full)) for name in names for full in spelled_out(name)]
    for name, job in jobs:
        for kernel in job.kernels:
            yield kernel, name
            yield f"{kernel}_", name  # in place, where there is such a kernel
    for name, job in jobs:
        for kernel in job.within:
            yield kernel, name


def paths_of(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every Python name to refuse, and the forbidden name that it is refused for: exact matches first."""
    given = [(name, full) for name in names for full in spelled_out(name)]
    yield from ((full, name) for name, full in given)
    for name, full in given:
        job = job_of(full)
        yield from ((path, name) for path in (*job.names, *job.python))
