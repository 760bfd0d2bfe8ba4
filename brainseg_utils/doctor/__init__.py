"""What voxels tell of mistakes: of one patient, and beside the others."""
