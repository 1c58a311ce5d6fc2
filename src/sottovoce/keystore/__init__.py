"""Keystore bytes ↔ entries: PKCS#12, JKS, JCEKS."""
