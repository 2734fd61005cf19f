"""The gate of SwiGLU of Liger-Kernel: a row a program; in half precision silu(gate) is rounded before the product."""

from liger_kernel.ops.swiglu import LigerSiLUMulFunction
from torch import Tensor


def swiglu(gate: Tensor, up: Tensor, block: int = 1024) -> Tensor:
    """Return silu(gate) * up, differentiable in both; backward overwrites gate and up."""
    out: Tensor = LigerSiLUMulFunction.apply(gate, up)
    return out
