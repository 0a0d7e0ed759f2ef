"""What moved a call, for whoever opened it."""

from typing import Any

from core.errors import ModelUnavailable, NotFound, Refused
from ml import explaining
from workers.context import JobContext


def explain_call(context: JobContext, call_id: int) -> dict[str, Any]:
    """Every feature's share in a call. What stands in the way is an answer as well: `detail` is its sentence."""
    try:
        with context.session() as session:
            return explaining.explain(session, call_id, models=context.settings.models)
    except (Refused, NotFound, ModelUnavailable) as reason:
        return {"detail": reason.sentence}
