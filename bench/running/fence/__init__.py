"""A fence round the process of a method: what it may read and write, held by the kernel or by Python."""
