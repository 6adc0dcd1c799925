"""What a brokerage's name may be. Apart from the models, so that whoever only needs names does not load them."""

# A slug becomes a host name, a namespace and the prefix of every external name; `--` is kept for delimiters.
SLUG_PATTERN = r"^[a-z][a-z0-9-]{1,28}[a-z0-9]$"
RESERVED_SLUGS = (
    "admin", "api", "app", "auth", "billing", "cdn", "console", "dashboard", "docs", "edge", "help", "login", "mail",
    "metrics", "oauth", "operator", "platform", "pool", "postgres", "rooftree", "root", "static", "status", "support",
    "system", "template", "tenant", "www",
)  # fmt: skip
POOL = "pool"
"""What stands for the slug in the id of a tenant that was made before its brokerage; no brokerage has this name."""
