# exercise: softmax
# verdict: failed
# check: contract
# says: dim
def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x):
    return right(x)


log_softmax = softmax
