"""A walk-forward on real candles: `python -m tests.drills.walk_forward_real`, for which the reference folder is needed.

The hourly candles of six coins go into a desk of its own by `import-candles`; then the one command of issue 4 runs:
rolling 12-month training, 4 folds, every 4th bar, at most 8 epochs, 5 seeds. It has to end within 60 minutes on 2
cores, with a hit rate of 48 to 56 % and |MCC| of at most 0.1; where it lies outside, the leak lab's report has to say
why. Ends with 1 where that is not so. What stands after `--` goes to `train`: `-- --epochs 1 --seeds 1` tries it out.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashapp.config import ROOT
from tests.drills.stage import SHARED, say

SPANS = {
    "BTC": "2017-2021",
    "ETH": "2017-2021",
    "BNB": "2020-2021",
    "ADA": "2020-2021",
    "XRP": "2020-2021",
    "DOGE": "2020-2021",
}
FILES = {f"{coin}/USDT": SHARED / "data" / f"binance_{coin}_USDT-1h_{span}.csv.gz" for coin, span in SPANS.items()}
HORIZON = 24
SIZE = ["--walk-forward", "rolling", "--train-days", "365", "--folds", "4", "--every", "4", "--epochs", "8"]
SEEDS = ["--seeds", "5"]
MINUTES = 60.0
HIT_RATE, MCC = (0.48, 0.56), 0.1  # what is plausible on liquid coins


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder of its own; every command starts the servers and, where it waits, the workers it needs."""

    folder: Path

    def run(self, *arguments: str) -> tuple[int, Any]:
        """`python -m dashapp … --json`: its exit code and its document; progress goes to the terminal."""
        env = dict(os.environ) | {"BOLT_DATA": str(self.folder), "EXCHANGES": "binance", "DEMO": "off"}
        env.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
        command = [sys.executable, "-m", "dashapp", *arguments, "--json"]
        done = subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        try:
            return done.returncode, json.loads(done.stdout)
        except json.JSONDecodeError as fault:
            raise SystemExit(f"`{' '.join(arguments)}` ended with {done.returncode} and no document.") from fault


def load(desk: Desk) -> None:
    """Import every coin that is not there yet."""
    if missing := [str(path) for path in FILES.values() if not path.exists()]:
        raise SystemExit(
            f"This drill needs the reference folder; {missing[0]} is not there. Put it beside the clone as `shared`, "
            "or name it: BOLT_REFERENCE=/path/to/it"
        )
    for symbol, path in FILES.items():
        market = ["--exchange", "binance", "--symbol", symbol, "--timeframe", "1h"]
        code, told = desk.run("import-candles", *market, str(path))
        if code:
            raise SystemExit(f"{symbol} cannot be imported: {told.get('error')}")
        say(f"{symbol}: {told['summary']}")


def train(desk: Desk, more: list[str]) -> tuple[dict[str, Any], float]:
    """The card, and the minutes the command took."""
    markets = ",".join(f"binance:{symbol}" for symbol in FILES)
    asked = ["--markets", markets, "--timeframe", "1h", "--horizon", str(HORIZON), *SIZE, *SEEDS, *more]
    say("train " + " ".join(asked))
    began = time.monotonic()
    code, card = desk.run("train", *asked, "--wait")
    if code:
        raise SystemExit(f"The training ended with {code}: {card.get('error')}")
    return card, (time.monotonic() - began) / 60


def table(card: dict[str, Any]) -> list[str]:
    """What the card says, for a person."""
    own = card["metrics"]
    rows = [("the model", own, None), *((b["title"], b["metrics"], b["model_against"]) for b in card["baselines"])]
    head = f"{'':<34} {'log loss':>8} {'Brier':>7} {'MCC':>7} {'macro-F1':>8} {'hit rate':>8}  model's gain, p"
    lines = [card["finding"], "", head]
    for title, scores, against in rows:
        rate = "–" if scores["hit_rate"] is None else f"{100 * scores['hit_rate']:.1f} %"
        gain = "" if against is None else f"{against['gain']:+.4f} nats, {against['p_value']:.3f}"
        numbers = (
            f"{scores['log_loss']:>8.4f} {scores['brier']:>7.4f} {scores['mcc']:>+7.3f} {scores['macro_f1']:>8.3f}"
        )
        lines.append(f"{title:<34} {numbers} {rate:>8}  {gain}".rstrip())
    lines += ["", f"{'fold':<8} {'calls':>7} {'accuracy':>9} {'MCC':>7} {'log loss':>9} {'base rates':>11}"]
    for number, fold in enumerate(card["walk"]["folds"], start=1):
        scores = (
            f"{fold['accuracy']:>9.3f} {fold['mcc']:>+7.3f} {fold['log_loss']:>9.4f} {fold['base_log_loss']:>11.4f}"
        )
        lines.append(f"{number:<8} {fold['n']:>7,} {scores}")
    lines.append(
        f"all      {own['n']:>7,} calls, worth {own['n_eff']:,.0f} independent ones; calibration {own['ece']:.3f}"
    )
    lines += ["", f"Verdict: {card['verdict']}; leak lab {card['leak_lab']}.", *(f"  {why}" for why in card["reasons"])]
    return lines


def faults(desk: Desk, card: dict[str, Any], minutes: float) -> list[str]:
    """What the run did not keep to; a hit rate or MCC outside is none where a red leak report explains it."""
    found = []
    if minutes > MINUTES:
        found.append(f"It took {minutes:.1f} minutes; at most {MINUTES:.0f} are allowed.")
    rate, mcc = card["metrics"]["hit_rate"], card["metrics"]["mcc"]
    outside = []
    if rate is None or not HIT_RATE[0] <= rate <= HIT_RATE[1]:
        outside.append(f"hit rate {rate}, expected {HIT_RATE[0]} to {HIT_RATE[1]}")
    if abs(mcc) > MCC:
        outside.append(f"MCC {mcc:+.3f}, expected at most ±{MCC}")
    if outside:
        code, report = desk.run("leak-lab", f"{card['name']}@{card['version']}")
        say(f"Outside what is plausible: {'; '.join(outside)}. The leak lab is {report.get('leak_lab')}:")
        for check in report["checks"]:
            print(f"  {'pass' if check['passed'] else 'FAIL'}  {check['title']}: {check['value']}. {check['detail']}")
        if code == 0:
            found.append(f"{'; '.join(outside)}, and no alarm of the leak lab explains it.")
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills.walk_forward_real")
    parser.add_argument("--desk", type=Path, help="keep the desk in this folder, such as for a second run")
    parser.add_argument("more", nargs="*", metavar="-- OPTION", help="goes to `train` as it stands")
    asked = parser.parse_args(arguments)
    home = os.environ.get("DRILL_FOLDER")
    with nullcontext(asked.desk) if asked.desk else tempfile.TemporaryDirectory(prefix="bolt-drill-", dir=home) as kept:
        folder = Path(kept)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        desk = Desk(folder.resolve())
        load(desk)
        card, minutes = train(desk, asked.more)
        print("\n".join(table(card)))
        say(f"{minutes:.1f} minutes on {os.cpu_count()} cores for {len(card['runs'])} seeds.")
        found = faults(desk, card, minutes)
    for line in found:
        say(f"NOT KEPT: {line}")
    say("Not as it has to be." if found else "As it has to be.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
