"""People, leads, who looks after them, stages, and what was done."""
