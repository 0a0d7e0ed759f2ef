"""A circuit breaker that all processes share: after repeated failures it lets nobody call, then one at a time."""

from core.shared import Numbers, SharedNumbers

FAILURES = 5
OPEN_S = 30.0
RETRY_SHARE = 0.1  # of the calls made may be repeated …
RETRY_RESERVE = 5.0  # … and as many more before that


class Breaker:
    """Closed, until `failures` in a row; then open for `open_s` seconds; then one trial call per `open_s`.

    A success closes it. A caller that was admitted must report `succeeded` or `failed`.
    """

    def __init__(self, shared: SharedNumbers, name: str, *, failures: int = FAILURES, open_s: float = OPEN_S) -> None:
        self.shared = shared
        self.key = f"breaker:{name}"
        self.failures = failures
        self.open_s = open_s

    def admit(self) -> float:
        """0 where the caller may call now, else the seconds until somebody may."""

        def step(numbers: Numbers, now: float) -> float:
            if numbers.get("failures", 0) < self.failures:
                return 0.0
            wait = numbers.get("opens_at", 0.0) - now
            if wait > 0:
                return wait
            numbers["opens_at"] = now + self.open_s  # this caller is the trial; the next one waits for it
            return 0.0

        return self.shared.change(self.key, step)

    def state(self) -> tuple[str, float]:
        """`closed`, `open` or `half open` (the next call is a trial), and the seconds until that call may be made."""

        def step(numbers: Numbers, now: float) -> tuple[str, float]:
            if numbers.get("failures", 0) < self.failures:
                return "closed", 0.0
            wait = numbers.get("opens_at", 0.0) - now
            return ("open", wait) if wait > 0 else ("half open", 0.0)

        return self.shared.change(self.key, step)

    def succeeded(self) -> None:
        self.shared.change(self.key, lambda numbers, _: numbers.clear())

    def failed(self) -> None:
        def step(numbers: Numbers, now: float) -> None:
            numbers["failures"] = numbers.get("failures", 0) + 1
            if numbers["failures"] >= self.failures:
                numbers["opens_at"] = now + self.open_s

        self.shared.change(self.key, step)


class RetryBudget:
    """How many calls may be repeated: a share of the calls made, by all processes together, and a small reserve.

    Without it an exchange that fails every other time would be asked three times as often as a well one.
    """

    def __init__(
        self, shared: SharedNumbers, name: str, *, share: float = RETRY_SHARE, reserve: float = RETRY_RESERVE
    ) -> None:
        self.shared = shared
        self.key = f"retries:{name}"
        self.share = share
        self.reserve = reserve

    def called(self) -> None:
        """A call was made for the first time: a part of a retry is earned, up to the reserve."""

        def step(numbers: Numbers, _now: float) -> None:
            numbers["left"] = min(self.reserve, numbers.get("left", self.reserve) + self.share)

        self.shared.change(self.key, step)

    def spend(self) -> bool:
        """True where the call may be repeated once more."""

        def step(numbers: Numbers, _now: float) -> bool:
            left = numbers.get("left", self.reserve)
            if left < 1:
                return False
            numbers["left"] = left - 1
            return True

        return self.shared.change(self.key, step)
