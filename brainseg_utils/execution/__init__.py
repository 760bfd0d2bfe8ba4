"""One notebook executed: its parameters checked, then all of it run, or a failure."""
