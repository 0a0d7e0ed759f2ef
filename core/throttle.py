"""How often a server may be called, by all processes together, and until when it asked to be left alone."""

from core.shared import Numbers, SharedNumbers


class Throttle:
    """A token bucket (as the generic cell rate algorithm) and a deadline, under one name.

    `interval_s` is the time one request costs; `burst` requests may come at once after a pause.
    """

    def __init__(self, shared: SharedNumbers, name: str, *, interval_s: float, burst: int = 1) -> None:
        self.shared = shared
        self.key = name
        self.interval_s = interval_s
        self.slack_s = interval_s * max(0, burst - 1)

    def take(self) -> float:
        """Take one token; returns the seconds to wait before using it."""

        def step(numbers: Numbers, now: float) -> float:
            due = max(numbers.get("due", 0.0), now)
            numbers["due"] = due + self.interval_s
            return max(0.0, due - self.slack_s - now)

        return self.shared.change(f"bucket:{self.key}", step)

    def hold(self, until: float) -> None:
        """Let nobody call before `until` (seconds since 1970); an earlier deadline never shortens a later one."""

        def step(numbers: Numbers, now: float) -> None:
            del now
            numbers["until"] = max(numbers.get("until", 0.0), until)

        self.shared.change(f"hold:{self.key}", step)

    def held_until(self) -> float | None:
        """The deadline (seconds since 1970) while it lies ahead."""

        def step(numbers: Numbers, now: float) -> float | None:
            until = numbers.get("until", 0.0)
            return until if until > now else None

        return self.shared.change(f"hold:{self.key}", step)
