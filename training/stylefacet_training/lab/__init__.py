"""The laboratory: systems of five source documents, redone; figures beside theirs."""
