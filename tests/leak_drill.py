"""`make leak-drill`: the leak lab with the LSTM as its probe, on every planted leak and every clean pipeline."""

import argparse
import sys
import time

import numpy as np

from core.ohlcv import Floats
from ml import leak_lab, network, windows
from ml.config import TrainingConfig
from ml.dataset import Classes
from ml.leak_probes import Probe
from ml.network import Network
from ml.windows import Table
from tests.ml import leaks

EPOCHS, BATCH = 10, 128  # with six, two short markets taught it too little to be sure of a planted future
_networks: dict[tuple[int, ...], Network] = {}


def lstm(x: Table, y: Classes, test: Table) -> Floats:
    """Probabilities of the prescribed network after a few epochs; compiled once for each shape of windows."""
    asked = TrainingConfig(("demo:BTC/USDT",), "1h", 6, window=x.shape[1], batch=BATCH)
    if x.shape[1:] not in _networks:
        _networks[x.shape[1:]] = Network(asked, x.shape[2])
    net = _networks[x.shape[1:]]
    net.begin(1)
    for epoch in range(EPOCHS):
        for rows in windows.full_batches(windows.shuffled(len(x), 1, epoch), BATCH):
            net.learn(x[rows], y[rows], np.ones(len(rows), dtype=np.float32))
    parts = [net.forecast(test[rows]) for rows in windows.batches(len(test), network.FORWARD)]
    return np.concatenate(parts)


def main(arguments: list[str] | None = None) -> int:
    """Exit 0 when every leak was caught and no clean pipeline raised an alarm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="part of the names to examine")
    only = parser.parse_args(arguments).only
    network.start()
    probe, failures = Probe("LSTM 128 → 64 → 32", lstm), 0
    for wanted, cases in (("red", leaks.planted()), ("green", leaks.clean())):
        right = 0
        chosen = {name: case for name, case in cases.items() if only in name}
        for name, (frames, asked, pipeline) in chosen.items():
            began = time.monotonic()
            report = leak_lab.examine(frames, asked, pipeline=pipeline, probe=probe)
            right += report.state == wanted
            alarms = ", ".join(f"{c.key} ({c.value})" for c in report.alarms) or "no alarm"
            told = "ok  " if report.state == wanted else "FAIL"
            print(f"{told} {name}: {report.state}, {alarms}; {time.monotonic() - began:.0f} s", flush=True)
        print(f"{right} of {len(chosen)} {'leaks caught' if wanted == 'red' else 'clean pipelines passed'}", flush=True)
        failures += len(chosen) - right
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
