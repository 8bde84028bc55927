"""Tendermint's agreement on one entry per height (arXiv 1807.04938)."""
