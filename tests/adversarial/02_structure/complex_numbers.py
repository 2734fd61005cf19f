# exercise: softmax
# verdict: failed
# check: contract
def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    return right(x, dim) + 0j


log_softmax = softmax
