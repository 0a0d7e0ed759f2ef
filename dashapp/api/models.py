"""Versions of trained models with their cards."""

from typing import Any, Literal

from pydantic import Field

import db.engine
from dashapp.api import paging
from dashapp.api.route import Reply, Resource
from dashapp.api.schemas import Answer, Page, Paged, Time, Timeframe
from db.queries import trained_models
from db.queries.trained_models import ModelRow
from db.tables import TrainedModel

SHOWN = (
    "id",
    "name",
    "version",
    "state",
    "proven",
    "simulated",
    "markets",
    "timeframe",
    "horizon",
    "card",
    "created_at",
)

resource = Resource("Models")


class ModelItem(Answer):
    """`card` holds metrics, baselines and the verdict; a model without demonstrated skill is said to have none."""

    id: int = Field(examples=[4])
    name: str = Field(examples=["binance-btc-usdt-1h-h24"])
    version: int = Field(examples=[2])
    state: Literal["candidate", "champion", "retired"] = Field(examples=["champion"])
    proven: bool = Field(examples=[False], description="It passed every line of the promotion gate.")
    simulated: bool = Field(examples=[False])
    markets: list[str] = Field(examples=[["binance:BTC/USDT"]])
    timeframe: Timeframe
    horizon: int = Field(examples=[24], description="In bars.")
    created_at: Time
    card: dict[str, Any] = Field(examples=[{"verdict": "none", "metrics": {"log_loss": 1.07}}])

    @classmethod
    def of(cls, model: ModelRow | TrainedModel) -> "ModelItem":
        return cls.model_validate({name: getattr(model, name) for name in SHOWN})


class ModelPage(Paged):
    items: list[ModelItem]


@resource("GET", "/models", answer=ModelPage, query=Page)
def list_models(query: Page) -> Reply:
    """Every version, newest first; its card without the single calls of the test period."""
    cursor = paging.decode(query.cursor, int)
    with db.engine.session() as session:
        rows = trained_models.page(session, before=cursor[0] if cursor else None, limit=query.limit + 1)
    found, onward = paging.cut(rows, query.limit, lambda row: (row.id,))
    return paging.page(ModelPage(items=[ModelItem.of(row) for row in found], next_cursor=onward))


@resource("GET", "/models/<int(max=2147483647):model_id>", answer=ModelItem, problems=(404,))
def show_model(model_id: int) -> ModelItem:
    """One version with its whole card."""
    with db.engine.session() as session:
        return ModelItem.of(trained_models.get(session, model_id))
