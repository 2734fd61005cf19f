# exercise: softmax
# verdict: error
# check: error
# says: no_such_package
import no_such_package
