"""The host's conditions: what a session sets for a start or a block, and puts back."""
