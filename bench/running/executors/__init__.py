"""Where cells run: in this process, in worker processes of this machine, or in jobs of a cluster."""
