"""What modules may know of each other: protocols, frozen data and errors, nothing that runs."""
