"""asyncio, the only one below the components: listen, dial, pump, peer."""
