# exercise: gqa
# verdict: failed
# check: contract
class GroupedQueryAttention:
    def __init__(self, d_model, num_heads, num_kv_heads, head_dim=None, bias=False):
        pass

    def forward(self, x, mask=None, is_causal=True):
        return x

    __call__ = forward
