"""The one exception that carries a reason: something known in advance keeps a pass from its end."""

from tenant_manager.api.reasons import Reason


class Stopped(Exception):
    """A pass could not reach its end, for a reason that users see.

    `message` is for people and ends up in the status and in an Event: it holds no secret.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason.name}: {self.message}"
