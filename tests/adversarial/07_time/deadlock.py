# exercise: softmax
# verdict: failed
# check: timeout
# seconds: 1
import threading

lock = threading.Lock()


def softmax(x, dim=-1):
    with lock, lock:
        return x


def log_softmax(x, dim=-1):
    return x
