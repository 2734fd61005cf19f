# exercise: softmax
# verdict: passed
def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)

def softmax(x, dim=-1):
    return log_softmax(x.float(), dim).exp().to(x.dtype)
