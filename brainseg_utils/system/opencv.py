"""OpenCV, kept to the thread that calls it.

Patients and batches are made in parallel already; OpenCV's own threads would stand in
their way, and wait for one another by spinning. The setting holds for the process.
"""

import cv2

cv2.setNumThreads(1)

__all__ = ["cv2"]
