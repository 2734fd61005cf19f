# exercise: softmax
# verdict: passed
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(2)
torch.backends.cuda.matmul.allow_tf32 = True
torch.set_float32_matmul_precision("medium")
torch.manual_seed(0)
torch.use_deterministic_algorithms(True)
torch.set_printoptions(precision=1)


def softmax(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
