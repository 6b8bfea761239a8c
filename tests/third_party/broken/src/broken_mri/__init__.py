"""A plugin that cannot be imported."""

raise ImportError("libcuda_of_the_future.so: cannot open shared object file")
