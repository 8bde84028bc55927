"""py-ecc raises the recursion limit as it is imported; the product puts it back, and so do the tests."""

import sys

_limit = sys.getrecursionlimit()
import py_ecc  # noqa: E402, F401 - imported here once, so that no test imports it first

sys.setrecursionlimit(_limit)
