"""What a user can ask, once for every front."""
