"""Where readings come in: the feeds, their formats, and who is on the roster."""
