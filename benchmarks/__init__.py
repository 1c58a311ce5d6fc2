"""Measurements: one program a question, ratios in one run, medians of interleaved rounds."""
