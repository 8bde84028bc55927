"""The threshold signature: one 48-byte signature under one unchanging key (T1-T3)."""
