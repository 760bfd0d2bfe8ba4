"""What the machine does to a process: its disks, memory, GPUs, threads and signals."""
