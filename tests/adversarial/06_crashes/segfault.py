# exercise: softmax
# verdict: failed
# check: error
# says: SIGSEGV
# needs: linux
# also: spawn, open
import ctypes


def softmax(x, dim=-1):
    return ctypes.string_at(0)


log_softmax = softmax
