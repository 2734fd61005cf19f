"""The processes that grade: service, judge and runner, and what travels between them.

Only `client` and `facts` may be imported by the command line: they do not import torch.
"""
