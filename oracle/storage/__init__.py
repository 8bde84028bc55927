"""What a node keeps: its journal and history in one database, raw records in a log."""
