# exercise: softmax
# verdict: failed
# check: contract
def softmax(x, dim=-1):
    e = (x.double() - x.double().amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)


log_softmax = softmax
