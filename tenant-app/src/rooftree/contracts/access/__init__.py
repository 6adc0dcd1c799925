"""Who may do what in the brokerage: one policy for all modules."""
