"""Evidence → diagnosis; the catalogue as data; rendering as text and JSON."""
