"""Files that start a cluster: for supervisord on one machine, for a container engine. Made here, written elsewhere."""
