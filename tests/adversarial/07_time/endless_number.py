# exercise: softmax
# verdict: failed
# check: timeout limit
# seconds: 1
def softmax(x, dim=-1):
    return 7 ** (7**11)


def log_softmax(x, dim=-1):
    return x
