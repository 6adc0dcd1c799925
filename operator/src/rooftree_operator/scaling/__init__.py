"""How many pods a tenant has: by what arrives and how long that takes."""
