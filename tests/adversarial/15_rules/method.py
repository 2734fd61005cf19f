# exercise: softmax
# verdict: failed
# check: rule
def softmax(x, dim=-1):
    return x.softmax(dim)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
