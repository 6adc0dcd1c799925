"""Everything that talks to another system; each mutating request is counted in `effects`."""
