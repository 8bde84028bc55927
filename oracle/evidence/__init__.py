"""Evidence: what a member or a committee did wrong, so that anyone can check it offline (E1 to E6).

`file` is the outside of an evidence file, `contents` its typed inside, `build` makes files
out of public bytes, `verify` judges them. Public bytes in, a verdict out: reads no clock,
file or socket, and asks no chain. What counts as false is never more than the contract
`dispute-resolution` takes: what cannot be judged beyond doubt is refused, not slashed.
"""
