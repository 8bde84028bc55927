"""Secret keys at rest, and the one place that signs with them."""
