"""Writes the typed client of the contract suite from the contracts' interfaces."""
