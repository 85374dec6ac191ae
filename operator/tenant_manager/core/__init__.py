"""Pure: what should be, what is, and the steps between. No network, no clock, no randomness."""
