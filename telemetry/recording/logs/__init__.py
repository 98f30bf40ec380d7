"""Log records of our own logger provider."""
