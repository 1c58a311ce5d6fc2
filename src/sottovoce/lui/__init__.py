"""LUI, where people define, deliver and evaluate campaigns."""
