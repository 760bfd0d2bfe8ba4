"""`make run`: its notebooks executed in order, and what they are asked."""
