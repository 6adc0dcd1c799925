"""How many pods each brokerage has. Decisions are pure; what they rest on is looked up elsewhere."""
