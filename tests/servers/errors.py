"""What goes wrong with a server, in words for the person who ran the command."""


class ServerMissing(Exception):
    """A program is not installed; the message names the command that brings it."""


class CannotBuild(Exception):
    """The control plane could not be built; the message says why and what to do."""


class CannotStart(Exception):
    """A server did not start, or ended while it was starting."""
