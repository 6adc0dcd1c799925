"""One file for each part of a tenant, all of the shape in `provisioner.py`. They never import each other."""
