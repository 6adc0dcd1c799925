"""The isolation matrix: what a tenant can do to another with everything that it has."""
