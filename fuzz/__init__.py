"""Coverage-guided fuzzing of everything that reads a file which somebody else made.

``python -m fuzz.pkcs12``, ``fuzz.jks``, ``fuzz.properties`` (or ``make fuzz``): any octets give a
value or one of the documented exceptions, within two seconds and 200 MB. What was run and found
stands in ``fuzz/README.md``; ``tests/conformance/fuzz-corpus`` keeps the inputs.
"""
