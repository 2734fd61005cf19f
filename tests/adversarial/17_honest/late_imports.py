# exercise: softmax
# verdict: passed
def softmax(x, dim=-1):
    import decimal  # noqa: F401
    import math

    import torch.nn.functional as F  # noqa: F401, N812

    e = (x.float() - x.float().amax(dim, keepdim=True)).mul(1 / math.log(2)).exp2()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
