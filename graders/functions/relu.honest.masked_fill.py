"""masked_fill both times."""


def relu(x):
    return x.masked_fill(x <= 0, 0.0)


def relu_backward(grad_out, x):
    return grad_out.masked_fill(x <= 0, 0.0)
