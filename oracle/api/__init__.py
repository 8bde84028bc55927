"""The HTTP interface of a node: what it has attested, with the proofs, for anybody to read.

Begin with `app.make_app`. Nothing here changes the node; the only thing that is written is
the answer.
"""
