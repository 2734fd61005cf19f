# exercise: softmax
# verdict: failed
# check: timeout
# seconds: 1
# also: spawn, open
def softmax(x, dim=-1):
    while True:
        pass


def log_softmax(x, dim=-1):
    return x
