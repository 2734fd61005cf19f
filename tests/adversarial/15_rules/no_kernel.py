# exercise: triton-softmax
# verdict: failed
# check: rule wrong
# needs: triton
def softmax(x, block=1024):
    y = x.float()
    e = (y - y.amax(-1, keepdim=True)).exp()
    return (e / e.sum(-1, keepdim=True)).to(x.dtype)
