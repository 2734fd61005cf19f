# exercise: softmax
# verdict: passed
"""Names as one may write them: 分子, σ, café."""


def softmax(x, dim=-1):
    分子 = (x.float() - x.float().amax(dim, keepdim=True)).exp()
    σ = 分子.sum(dim, keepdim=True)
    return (分子 / σ).to(x.dtype)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
