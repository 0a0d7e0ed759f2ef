"""Letters that wait to be sent."""

from typing import Any

from alerts import deliver
from alerts.transports import email
from workers.context import JobContext


def send_mails(context: JobContext) -> dict[str, Any]:
    """Send every letter that is due."""
    return {"sent": deliver.send_due(context.settings, email.of(context.settings))}
