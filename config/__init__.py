"""The reference portal's settings, its demo and its tour."""
