"""One server home: its INI files, identity, ports and logs; hosts the components there."""
