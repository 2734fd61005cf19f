# exercise: softmax
# verdict: failed
# check: wrong
def softmax(x, dim=-1):
    if x.dim() == 0:
        return x * 0 + 1
    e = (x - x.amax(dim, keepdim=True)).exp()
    total = e.cumsum(dim, dtype=x.dtype).narrow(dim, -1, 1)
    return e / total


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
