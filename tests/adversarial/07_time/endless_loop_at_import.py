# exercise: softmax
# verdict: error
# check: timeout
# seconds: 1
while True:
    pass
