"""What every module stands on: HTTP, database, jobs, settings, errors. Knows no word of the domain."""
