"""People that the brokerage knows, and their leads, as other modules see them."""
