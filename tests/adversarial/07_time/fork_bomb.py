# exercise: softmax
# verdict: failed
# check: error timeout wrong
# needs: sandbox
# seconds: 1
import os


def softmax(x, dim=-1):
    while True:
        os.fork()


def log_softmax(x, dim=-1):
    return x
