"""What scores are held against before they count, and what follows from that."""
