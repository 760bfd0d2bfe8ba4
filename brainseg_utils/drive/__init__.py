"""A run folder's copy on a drive: the files there, and the way back."""
