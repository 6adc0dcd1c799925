"""What a backup is made of, and the program that writes and reads one in a tenant's namespace (`docs/backup.md`)."""
