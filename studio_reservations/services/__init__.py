"""What the product does; each service takes the host's session, flushes and never commits."""
