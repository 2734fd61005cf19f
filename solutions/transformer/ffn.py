"""Position-wise feed-forward network, Vaswani et al. 2017 (arXiv:1706.03762), section 3.3."""

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F


class FeedForward(nn.Module):
    """Two linear layers with an activation and dropout between them, applied to every position by itself."""

    # region keep
    def __init__(
        self, d_model: int, d_ff: int, activation: Literal["relu", "gelu"] = "relu", dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)
        self.activation = activation
        self.dropout = dropout

    # endregion

    def forward(self, x: Tensor, uniforms: Tensor | None = None) -> Tensor:
        """Return fc2(dropout(activation(fc1(x)))).

        Args:
            x: (..., d_model).
            uniforms: (..., d_ff), uniform in [0, 1), one for each hidden feature; a feature is kept where its number is
                at least the dropout probability. Needed in training mode with dropout > 0, not used otherwise.
        Returns:
            (..., d_model).
        """
        # region blank: widen, then activate; GELU in its exact form
        hidden = self.fc1(x)  # (..., d_ff)
        hidden = F.relu(hidden) if self.activation == "relu" else F.gelu(hidden)
        # endregion
        # region blank: in training, drop hidden features and scale up those that are kept
        if self.training and self.dropout > 0:
            assert uniforms is not None
            hidden = hidden * (uniforms >= self.dropout) / (1 - self.dropout)
        # endregion
        # region blank: back to d_model
        return self.fc2(hidden)
        # endregion
