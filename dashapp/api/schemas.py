"""Types that schemas share. Every model of the API is one of two kinds: what is sent, and what is answered."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

import core.market_name as market_name
from core.market_name import MarketName

LIMIT = 500  # most items of a page
SYMBOL = "BTC-USDT"
WHEN = "2024-05-01T12:00:00Z"
WRITTEN = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


class Body(BaseModel):
    """What a request sends as JSON: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """What stands behind the question mark; unknown parameters are passed over."""

    model_config = ConfigDict(extra="ignore")


class Answer(BaseModel):
    """What is answered."""

    model_config = ConfigDict(frozen=True)


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _as_written(text: object) -> object:
    """A number is no time, though pydantic would take it for seconds since 1970."""
    if not isinstance(text, str) or not WRITTEN.match(text):
        raise ValueError(f"write a time like {WHEN}")
    return text


def _plain(number: Decimal) -> str:
    return f"{number:f}"


Time = Annotated[
    AwareDatetime,
    PlainSerializer(_in_utc, return_type=str),
    Field(examples=[WHEN], description="RFC 3339, UTC."),
]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_as_written),
    Field(examples=[WHEN], description="RFC 3339, with an offset or Z."),
]
Money = Annotated[
    Decimal,
    PlainSerializer(_plain, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["63250.5"]}),
]
Symbol = Annotated[str, Field(examples=[SYMBOL], description="Base and quote, with a hyphen.")]
Exchange = Annotated[str, Field(examples=["binance"])]
Timeframe = Annotated[str, Field(examples=["1h"], description="1m, 5m, 15m, 1h, 4h, 1d or 1w.")]
Password = Annotated[
    str, Field(max_length=1_024, examples=["Copper-teapot-71"], json_schema_extra={"format": "password"})
]
Email = Annotated[str, Field(max_length=255, examples=["mara@example.org"])]
NAME = Field(default="", max_length=80, examples=["Mara"])


class Page(Query):
    """`limit` items from where `cursor` of the page before says."""

    limit: int = Field(default=100, ge=1, le=LIMIT)
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")


class Paged(Answer):
    """Newest first. `next_cursor` leads to older items; null on the last page."""

    next_cursor: str | None = Field(examples=["WzQyXQ"])


class Problem(Answer):
    """RFC 9457. `errors` is there where fields were wrong, `code` where programs may want to tell problems apart."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such job; it may have been cleared away."])
    instance: str = Field(examples=["/api/jobs/0b3d8a1e-2c55-4a0f-9f0e-6d5c0c9d3f4b"])
    request_id: str = Field(examples=["3f9a1c2b7d8e4f60"])
    code: str | None = Field(default=None, examples=[None], description="Such as `model_unavailable`.")
    errors: list[dict[str, str]] | None = Field(
        default=None, examples=[[{"pointer": "#/email", "detail": "Field required"}]]
    )


def money(value: float) -> Decimal:
    """The decimal a price was written with: the shortest that reads back as the same number."""
    return Decimal(repr(float(value)))


def symbol_of(symbol: str) -> str:
    """`BTC/USDT` as it stands in addresses, `BTC-USDT`."""
    return symbol.replace("/", "-")


def name_of(exchange: str, symbol: str) -> MarketName:
    """A market of a path and `?exchange=`; raises Refused."""
    return market_name.parse_path(exchange, symbol)


def example(model: type[BaseModel]) -> dict[str, Any]:
    """An instance as its fields' examples (or else their defaults) make it."""
    schema = model.model_json_schema(mode="serialization" if issubclass(model, Answer) else "validation")
    made: dict[str, Any] = _example(schema, schema.get("$defs", {}))
    return made


def _example(schema: dict[str, Any], known: dict[str, Any]) -> Any:
    for word in ("examples", "default", "const"):
        if word in schema:
            return schema[word][0] if word == "examples" else schema[word]
    if "$ref" in schema:
        return _example(known[schema["$ref"].rpartition("/")[2]], known)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], known)
    if schema["type"] == "array":
        return [_example(schema["items"], known)]
    return {name: _example(field, known) for name, field in schema["properties"].items()}
