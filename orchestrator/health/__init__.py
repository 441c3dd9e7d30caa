"""Health: what looking at a machine, a file system or a site has found."""
