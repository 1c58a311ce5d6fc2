"""Keys, names, requests, issuing, chain verdicts, revocation lists."""
