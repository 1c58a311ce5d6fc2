"""The shared web shell: one HTTP server inside our loop, over TLS or not."""
