# exercise: softmax
# verdict: failed
# check: wrong
def softmax(x, dim=-1):
    e = (x.float() - x.float().max()).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
