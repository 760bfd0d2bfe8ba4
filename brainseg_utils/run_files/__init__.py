"""The files of a run folder, each written and read back, whoever made them."""
