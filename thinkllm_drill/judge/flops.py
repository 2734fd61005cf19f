"""How much arithmetic an operator does: matrix work by formula, elementwise work by the number of elements.

torch's own formulas serve products, convolutions and fused attention on a GPU; what they count as zero has its formula
here. A multiply–add is two. Decompositions count as in Golub and Van Loan, Matrix Computations, without lower orders.
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor

Formula = Callable[..., int]


def matrix_work(func: Any, args: Any, kwargs: Any, out: Any) -> int | None:
    """FLOPs of one call of an operator, None where it has no formula."""
    own = FORMULAS.get(name_of(func))
    if own is not None:
        return int(own(*args))
    formula = formulas_of_torch().get(func._overloadpacket)
    return None if formula is None else int(formula(*args, **kwargs, out_val=out))


def elementwise_work(func: Any, args: Any, out: Any) -> int:
    """Elements that an operator computes (pointwise) or reads (reductions, scans); 0 for views, copies and the like."""
    name = name_of(func)
    if name in PASSES:
        return PASSES[name] * _largest((args, out))
    if name.startswith("_foreach_"):
        return 0 if "copy" in name or "zero" in name else sum(tensor.numel() for tensor in _tensors(args[0]))
    if torch.Tag.pointwise in func.tags:
        return 0 if name in MOVES else _largest(out)
    return _largest(args) if torch.Tag.reduction in func.tags else 0


def name_of(func: Any) -> str:
    """`mm` of `aten.mm.default`."""
    return str(func._overloadpacket.__name__)


@cache
def formulas_of_torch() -> dict[Any, Formula]:
    """torch's own, by operator.

    Their module imports Triton where it is installed, which nothing here needs: it costs 60 MB and a quarter of a
    second.
    """
    log, hidden = logging.getLogger("torch.utils.flop_counter"), "triton" not in sys.modules
    log.disabled = True
    if hidden:
        sys.modules["triton"] = None  # type: ignore[assignment]
    try:
        from torch.utils.flop_counter import flop_registry
    finally:
        if hidden:
            del sys.modules["triton"]
        log.disabled = False
    return dict(flop_registry)


def _largest(tree: Any) -> int:
    return max((tensor.numel() for tensor in _tensors(tree)), default=0)


def _tensors(tree: Any) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, list | tuple):
        for item in tree:
            yield from _tensors(item)


# products that torch counts as nothing


def _mv(matrix: Tensor, *_: Any) -> int:
    return 2 * matrix.numel()


def _addmv(_: Tensor, matrix: Tensor, *__: Any) -> int:
    return 2 * matrix.numel()


def _addr(_: Tensor, a: Tensor, b: Tensor, *__: Any) -> int:
    return 2 * a.numel() * b.numel()


def _addbmm(_: Tensor, a: Tensor, b: Tensor, *__: Any) -> int:
    return 2 * a.numel() * b.shape[-1]


def _addmm(_: Tensor, a: Tensor, b: Tensor, *__: Any) -> int:
    return 2 * a.shape[0] * a.shape[1] * b.shape[1]


def _sparse_addmm(_: Tensor, a: Tensor, b: Tensor, *__: Any) -> int:
    return 2 * (a._nnz() if a.is_sparse else a.numel()) * b.shape[-1]


def _cdist(a: Tensor, b: Tensor, *_: Any) -> int:
    return 3 * a.numel() * b.shape[-2]  # subtract, |·|ᵖ, add


def _euclidean(a: Tensor, b: Tensor) -> int:
    return 2 * a.numel() * b.shape[-2]  # by a product of matrices


def _pdist(a: Tensor, *_: Any) -> int:
    return 3 * a.numel() * (a.shape[0] - 1) // 2


def _trilinear(a: Tensor, weight: Tensor, b: Tensor, *_: Any) -> int:
    return 2 * (a.numel() // max(1, a.shape[-1])) * weight.numel()


def _rnn(x: Tensor, input_weight: Tensor, hidden_weight: Tensor, *_: Any) -> int:
    return 2 * x.shape[0] * x.shape[1] * (input_weight.numel() + hidden_weight.numel())


def _attention(q: Tensor, k: Tensor, v: Tensor, *_: Any) -> int:
    return 2 * math.prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])


def _attention_backward(_: Tensor, q: Tensor, k: Tensor, v: Tensor, *__: Any) -> int:
    # the scores and dP once more, and dQ, dK, dV
    return 2 * math.prod(q.shape[:-1]) * k.shape[-2] * (3 * q.shape[-1] + 2 * v.shape[-1])


# decompositions of an m × n or n × n matrix, times the batch


def _square(factor: float) -> Formula:
    def formula(a: Tensor, *_: Any) -> int:
        return int(factor * a.numel() * a.shape[-1])

    return formula


def _qr(a: Tensor, *_: Any) -> int:
    small, large = sorted(a.shape[-2:])
    return math.prod(a.shape[:-2]) * (4 * large * small * small - 4 * small**3 // 3)


def _svd(a: Tensor, *_: Any) -> int:
    small, large = sorted(a.shape[-2:])
    return math.prod(a.shape[:-2]) * (4 * large * large * small + 8 * large * small * small + 9 * small**3)


def _solve(a: Tensor, b: Tensor, *_: Any) -> int:
    n = a.shape[-1]
    return 2 * a.numel() * n // 3 + 2 * n * b.numel()


def _triangular(a: Tensor, b: Tensor, *_: Any) -> int:
    return a.shape[-1] * b.numel()


def _two_triangles(b: Tensor, a: Tensor, *_: Any) -> int:
    return 2 * a.shape[-1] * b.numel()


def _lu_solve(lu: Tensor, _: Tensor, b: Tensor, *__: Any) -> int:
    return 2 * lu.shape[-1] * b.numel()


def _lstsq(a: Tensor, b: Tensor, *_: Any) -> int:
    return _qr(a) + 4 * a.numel() * b.shape[-1]


FORMULAS: dict[str, Formula] = {
    "mv": _mv,
    "dot": _mv,
    "vdot": _mv,
    "addmv": _addmv,
    "addmv_": _addmv,
    "addr": _addr,
    "addr_": _addr,
    "addbmm": _addbmm,
    "addbmm_": _addbmm,
    "addmm_": _addmm,
    "_addmm_activation": _addmm,
    "baddbmm_": _addbmm,
    "_sparse_addmm": _sparse_addmm,
    "_cdist_forward": _cdist,
    "_euclidean_dist": _euclidean,
    "_pdist_forward": _pdist,
    "_trilinear": _trilinear,
    "mkldnn_rnn_layer": _rnn,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention_for_cpu_backward": _attention_backward,
    "linalg_inv_ex": _square(2),
    "linalg_lu_factor_ex": _square(2 / 3),
    "linalg_cholesky_ex": _square(1 / 3),
    "cholesky": _square(1 / 3),
    "cholesky_inverse": _square(2 / 3),
    "_linalg_det": _square(2 / 3),
    "_linalg_slogdet": _square(2 / 3),
    "_linalg_eigh": _square(9),
    "linalg_eig": _square(25),
    "linalg_matrix_exp": _square(20),
    "linalg_qr": _qr,
    "_linalg_svd": _svd,
    "linalg_pinv": _svd,
    "linalg_lstsq": _lstsq,
    "_linalg_solve_ex": _solve,
    "linalg_solve_triangular": _triangular,
    "triangular_solve": _two_triangles,
    "cholesky_solve": _two_triangles,
    "linalg_lu_solve": _lu_solve,
}
MOVES = frozenset(("clone", "copy", "lift_fresh"))
PASSES = dict.fromkeys(
    (
        "cumsum",
        "cumprod",
        "cummax",
        "cummin",
        "logcumsumexp",
        "_logcumsumexp",
        "sort",
        "topk",
        "median",
        "kthvalue",
        "_unique2",
        "bincount",
        "histc",
        "searchsorted",
        "index_add",
        "index_add_",
        "scatter_add",
        "scatter_add_",
        "scatter_reduce",
        "scatter_reduce_",
        "_embedding_bag",
        "_embedding_bag_forward_only",
        "nll_loss_forward",
        "_fft_r2c",
        "_fft_c2c",
        "_fft_c2r",
    ),
    1,
) | dict.fromkeys(
    (
        "_softmax",
        "_log_softmax",
        "_safe_softmax",
        "native_layer_norm",
        "native_group_norm",
        "native_batch_norm",
        "_native_batch_norm_legit",
        "_fused_rms_norm",
    ),
    5,
)
"""How often an operator that is neither pointwise nor a plain reduction goes over its elements."""
