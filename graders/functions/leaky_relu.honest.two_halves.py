"""The two halves by masked_fill, added up."""


def leaky_relu(x, negative_slope=0.01):
    right, left = x.masked_fill(x <= 0, 0), x.masked_fill(x > 0, 0)
    return right + left * negative_slope


def leaky_relu_backward(grad_out, x, negative_slope=0.01):
    positive = x > 0
    return grad_out * positive + negative_slope * grad_out * ~positive
