# exercise: softmax
# verdict: error
# check: timeout
# seconds: 0.5
while True:
    pass
