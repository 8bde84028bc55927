"""What an operator sees from outside: metrics by name, and one line of log for each thing that happened."""
