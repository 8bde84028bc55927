"""From what nodes say of a window to what an operator wants to know: what, when, who, why."""
