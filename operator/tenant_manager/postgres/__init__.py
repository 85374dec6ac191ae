"""The only code that knows asyncpg, and the kernel: all privileged SQL."""
