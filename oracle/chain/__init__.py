"""The way to the Stacks chain: transactions, clients, the outbox, the watcher."""
