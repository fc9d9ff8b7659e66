"""How good and how fast the noise is."""
