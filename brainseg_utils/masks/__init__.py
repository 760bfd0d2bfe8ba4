"""A network's mask: made of its output, and how close its surface lies to the true."""
