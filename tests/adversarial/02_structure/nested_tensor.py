# exercise: softmax
# verdict: failed
# check: contract error
import torch


def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    return torch.nested.nested_tensor(list(right(x, dim)), layout=torch.jagged)


log_softmax = softmax
