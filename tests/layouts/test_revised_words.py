"""Pages say of a settled call that its candles were revised, and how many there are."""

from datetime import UTC, datetime

from core.ohlcv import empty
from layouts.components import call_table, scorecard
from layouts.components.call_table import Settled
from layouts.figures import past_calls
from layouts.figures.past_calls import Mark
from ml import scoring
from tests.layouts.test_model_parts import words
from tests.ml.settled import HABITS, HOUR, settled

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_the_evidence_counts_calls_on_revised_candles() -> None:
    card = scoring.draw_up(settled(212), HABITS, horizon=1, step_ms=HOUR)
    assert card is not None
    text = words(scorecard.evidence_block(card, revised=(3, 1)))
    told = "3 of 212 settled calls rest on candles the exchange revised later; 1 would have ended differently."
    assert f"{told} What was settled stays." in text
    assert "1 of 212 settled calls rests on" in words(scorecard.evidence_block(card, revised=(1, 0)))
    assert "revised" not in words(scorecard.evidence_block(card))


def test_a_settled_call_says_what_its_candles_tell_now() -> None:
    call = Settled("BTC/USDT", "demo", "5m", True, "bullish", 0.5, "bullish", 0.01, True, 0.69, NOW,
                   revised="candles revised later, bearish now")  # fmt: skip
    text = words(call_table.settled([call], now=NOW))
    assert "bullish (both barriers in one bar; candles revised later, bearish now)" in text


def test_a_past_call_on_the_chart_says_it_as_well() -> None:
    marks = [Mark(0, 2, 0.5, 2), Mark(HOUR, 2, 0.5, 2, revised="candles revised later")]
    lane = past_calls.draw(empty(), marks).data[1]
    assert [told[2] for told in lane.customdata] == ["Bullish", "Bullish (candles revised later)"]
