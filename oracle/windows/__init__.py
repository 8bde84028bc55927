"""Windows: readings in, one agreed and provable summary out; pure."""
