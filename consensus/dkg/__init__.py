"""The key ceremony: how a committee comes to hold, or hands on, the group's key (K1-K4)."""
