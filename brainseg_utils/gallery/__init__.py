"""Pages of the executed notebooks, for readers on GitHub: `make gallery`."""
