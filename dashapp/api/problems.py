"""What is wrong with a request, field by field. The answer itself is made in `error_pages`, for pages and programs."""

from typing import Literal

from pydantic import ValidationError

from core.errors import Refused

Place = Literal["body", "query"]


class Invalid(Refused):
    """A request whose fields are not what the schema says; `errors` names each one and never repeats its value."""

    title = "The request does not fit its schema"

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("Change the fields named in errors; /api/docs says what each of them takes.")
        self.errors = errors


def explain(error: ValidationError, place: Place) -> Invalid:
    """What pydantic found, as RFC 9457 shows it: a JSON pointer into the body, or the name of a parameter."""
    return Invalid(
        [
            {_key(place): _where(place, fault["loc"]), "detail": fault["msg"]}
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    )


def wrong(place: Place, name: str, detail: str) -> Invalid:
    """One field that is wrong for a reason no schema can tell."""
    return Invalid([{_key(place): _where(place, (name,)), "detail": detail}])


def _key(place: Place) -> str:
    return "pointer" if place == "body" else "parameter"


def _where(place: Place, location: tuple[int | str, ...]) -> str:
    return "#/" + "/".join(map(str, location)) if place == "body" else str(location[0] if location else "")
