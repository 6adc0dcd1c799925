"""BrokerageOperations: one imperative action each, done by steps that can be begun again after a crash at any point."""
