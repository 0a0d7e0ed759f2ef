"""The public record of a model in a market: its settled calls beside what simple rules said on the very same candles.

Calculating only: arrays in, a `Scorecard` out. The same code scores a walk-forward's rows out of sample, which stand in
the version's folder as `oos.npz` (`artefacts.OOS`), parallel arrays sorted by (open_ms, market_id):

`market_id`: number of the market in the card's list. `open_ms`, `until_ms`: opens of the bar decided on and of the bar
that ended the label. `probabilities`: (n, 3), served and calibrated. `label`: class as `evaluation.settled` counts it.
`ret`: log return from entry to the end of the label. `regime`: code of `ml.regimes`, −1 unknown. `abstains`: optional.
"""
