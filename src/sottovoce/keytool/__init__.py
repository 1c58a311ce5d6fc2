"""The JDK keytool's verbs, joining keystores and certificates."""
