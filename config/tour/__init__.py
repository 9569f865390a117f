"""``make tour``: a story told over real HTTP, each step with what came back."""
