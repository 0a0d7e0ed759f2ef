"""How often a server may be called, by all processes together, and until when it asked to be left alone."""

from dataclasses import dataclass

from core.shared import Numbers, SharedNumbers

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Weight:
    """What the requests of the running minute cost, of what a minute may cost, in the tokens of the exchange.

    `told` is what the server itself counted, in its own unit, by its last answer of this minute; None where it
    does not say.
    """

    used: float
    limit: float
    told: float | None


class Throttle:
    """A token bucket (as the generic cell rate algorithm) and a deadline, under one name.

    `interval_s` is the time one token costs; `burst` tokens may be taken at once after a pause.
    """

    def __init__(self, shared: SharedNumbers, name: str, *, interval_s: float, burst: int = 1) -> None:
        self.shared = shared
        self.key = name
        self.interval_s = interval_s
        self.slack_s = interval_s * max(0, burst - 1)

    def take(self, cost: float = 1.0) -> float:
        """Take `cost` tokens, the weight of a request; returns the seconds to wait before it."""

        def step(numbers: Numbers, now: float) -> float:
            due = max(numbers.get("due", 0.0), now)
            numbers["due"] = due + self.interval_s * cost
            return max(0.0, due - self.slack_s - now)

        wait = self.shared.change(f"bucket:{self.key}", step)
        self.shared.change(f"weight:{self.key}", lambda numbers, now: self._count(numbers, now, cost))
        return wait

    def told(self, used: float) -> None:
        """Remember what the server says the running minute has cost."""

        def step(numbers: Numbers, now: float) -> None:
            self._count(numbers, now, 0.0)
            numbers["told"] = used

        self.shared.change(f"weight:{self.key}", step)

    def _count(self, numbers: Numbers, now: float, cost: float) -> None:
        minute = now // MINUTE_S
        if numbers.get("minute") != minute:
            numbers.clear()
            numbers.update(minute=minute, used=0.0)
        numbers["used"] += cost
        numbers["limit"] = MINUTE_S / self.interval_s

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


def weight(shared: SharedNumbers, name: str) -> Weight | None:
    """What the running minute has cost so far; None where nobody has asked since Redis was emptied."""

    def look(numbers: Numbers, now: float) -> Weight | None:
        if "limit" not in numbers:
            return None
        if numbers.get("minute") != now // MINUTE_S:
            return Weight(0.0, numbers["limit"], None)
        return Weight(numbers["used"], numbers["limit"], numbers.get("told"))

    return shared.change(f"weight:{name}", look)
