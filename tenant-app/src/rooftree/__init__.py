"""The tenant app: one code base, whose modules are placed by configuration."""
