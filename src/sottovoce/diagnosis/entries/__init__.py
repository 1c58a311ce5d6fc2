"""The entries of the catalogue, one module for each family; data only."""
