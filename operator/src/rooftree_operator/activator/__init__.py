"""The activator: requests of brokerages that are asleep wait here until their app answers. One or two of a cell."""
