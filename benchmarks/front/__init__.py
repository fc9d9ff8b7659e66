"""What a user meets first: mistakes at the command line, and how soon they are told."""
