"""A training is checked before it is asked for, and its family has one name."""

import pytest

from core.errors import Refused
from ml import config
from ml.config import TrainingConfig

BTC, ETH = "binance:BTC/USDT", "binance:ETH/USDT"


def test_the_prescribed_network_is_the_default() -> None:
    asked = TrainingConfig((BTC,), "1h", 24)
    assert (asked.units, asked.window) == ((128, 64, 32), 60)


def test_family_names_exchange_symbols_timeframe_and_horizon() -> None:
    assert TrainingConfig((BTC,), "1h", 24).family == "binance-btc-usdt-1h-h24"
    assert TrainingConfig((ETH, BTC), "1h", 24).family == "binance-btc-usdt-eth-usdt-1h-h24"


def test_families_of_different_markets_never_share_a_name() -> None:
    many = [f"binance:{letter}{letter}/USDT" for letter in "ABCDE"]
    first, second = TrainingConfig(tuple(many[:4]), "1h", 24), TrainingConfig((*many[:3], many[4]), "1h", 24)
    assert first.family != second.family
    crossed = TrainingConfig((BTC, "kraken:ETH/USDT"), "1h", 24)
    swapped = TrainingConfig(("kraken:BTC/USDT", ETH), "1h", 24)
    assert crossed.family != swapped.family


def test_seeds_are_counted_from_one() -> None:
    assert config.first_seeds(3) == (1, 2, 3)


@pytest.mark.parametrize("count", [0, -1, 21, 10**30])
def test_s37_a_number_of_seeds_is_checked_before_they_are_listed(count: int) -> None:
    with pytest.raises(Refused, match="Choose 1 to 20"):
        config.first_seeds(count)


def test_configuration_survives_json() -> None:
    asked = TrainingConfig((BTC, ETH), "5m", 12, epochs=3, seeds=(1, 2))
    assert config.from_dict(asked.to_dict()) == asked


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"markets": ()}, "1 to 20 markets"),
        ({"markets": (BTC, BTC)}, "named twice"),
        ({"markets": ("BTC",)}, "is no market"),
        ({"timeframe": "2h"}, "no timeframe"),
        ({"horizon": 0}, "Choose 1 to 288"),
        ({"horizon": 289}, "Choose 1 to 288"),
        ({"epochs": 0}, "epochs"),
        ({"seeds": ()}, "seeds"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(change: dict[str, object], words: str) -> None:
    values: dict[str, object] = {"markets": (BTC,), "timeframe": "1h", "horizon": 24} | change
    with pytest.raises(Refused, match=words):
        TrainingConfig(**values)  # type: ignore[arg-type]


def test_longer_horizons_need_more_candles() -> None:
    assert TrainingConfig((BTC,), "1h", 48).least_candles > TrainingConfig((BTC,), "1h", 12).least_candles


def test_the_same_training_has_the_same_name_in_any_order_of_markets_and_another_with_any_other_knob() -> None:
    one = TrainingConfig((BTC, ETH), "1h", 24)
    assert one.work == TrainingConfig((ETH, BTC), "1h", 24).work
    assert one.work.startswith(f"train:{one.family}:")
    others = [{"epochs": 5}, {"seeds": (1, 2)}, {"cost": 0.001}, {"stride": 2}, {"scheme": "rolling", "folds": 4}]
    others += [{"scheme": "anchored", "folds": 4}, {"scheme": "rolling", "folds": 5}]
    names = {TrainingConfig((BTC, ETH), "1h", 24, **other).work for other in others}  # type: ignore[arg-type]
    assert len(names | {one.work}) == len(others) + 1


def test_a_size_that_was_not_said_is_the_usual_one_of_the_scheme() -> None:
    def size(scheme: str | None, **said: object) -> tuple[object, ...]:
        found = config.sized(scheme, 24, **said)  # type: ignore[arg-type]
        return tuple(found[name] for name in ("scheme", "folds", "epochs", "stride", "seeds"))

    assert size(None) == size("single") == ("single", 1, 60, 1, 1)
    assert size("anchored") == ("anchored", 4, 8, 4, 5)
    assert size(None, full=True) == size("rolling", full=True) == ("rolling", 8, 60, 1, 5)
    assert size("rolling", full=True, folds=3, seeds=1) == ("rolling", 3, 60, 1, 1)
    assert config.sized("rolling", 2)["stride"] == 2
    with pytest.raises(Refused, match="no full size"):
        size("single", full=True)
