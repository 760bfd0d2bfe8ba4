"""What a training may be told: recipes, the range of each value, a split in a file."""
