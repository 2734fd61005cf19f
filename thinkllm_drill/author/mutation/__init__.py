"""The operators of the mutator: small wrong changes of a reference, by kind."""
