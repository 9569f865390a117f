"""Messages to people and machines: expanded from the outbox, delivered at least once, by a worker.

Source: rules.md §9.
"""
