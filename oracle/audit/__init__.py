"""The independent verifier: public bytes in, a verdict out. Reads no clock, file or socket.

It shares with the node only the definitions of canonical values; what it judges it
recomputes with code of its own. `bundle` is the file an auditor gets, `verify` judges
one bundle, `history` judges the whole log.
"""
