"""The sans-I/O handshake engine, its contexts, trust generations and the gate."""
