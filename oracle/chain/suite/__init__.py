"""The typed client of the contract suite: made by `python -m oracle.chain.generator`."""
