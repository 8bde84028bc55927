"""Links between nodes: who is at the other end, and how much they may push."""
