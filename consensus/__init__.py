"""Byzantine agreement on energy: a library with no clock, no randomness and no I/O."""
