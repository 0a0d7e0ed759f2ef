/* The price as candles, hollow candles, Heikin-Ashi, bars, a line or an area; and a second market beside it. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { slotMs } = charts;
  const MODES = { log: 1, pct: 2 };

  const stretched = (frame) => ({ scaleMargins: { top: 0.14, bottom: 0.06 }, mode: MODES[frame.scale] || 0 });

  function format(decimals) {
    return { type: "custom", formatter: "price" + decimals, tickmarksFormatter: "ticks", minMove: 10 ** -decimals };
  }

  function candles(frame, colour) {
    const up = colour("up-fill");
    const down = colour("down-fill");
    return {
      upColor: colour("surface-1"), borderUpColor: up, wickUpColor: up,
      downColor: down, borderDownColor: down, wickDownColor: down,
    };
  }

  const kinds = {
    candles: ["candlestick", candles],
    ha: ["candlestick", candles],
    hollow: ["candlestick", candles],
    bars: ["bar", (frame, colour) => ({ upColor: colour("up-fill"), downColor: colour("down-fill"), thinBars: true })],
    line: ["line", (frame, colour) => ({ color: colour("accent"), lineWidth: 2, crosshairMarkerVisible: false })],
    area: ["area", (frame, colour) => ({
      lineColor: colour("accent"), lineWidth: 2, crosshairMarkerVisible: false,
      topColor: charts.faded(colour("accent"), 0.22), bottomColor: charts.faded(colour("accent"), 0.02),
    })],
  };

  /* Hollow candles: hollow where the close is not under the open, in the colour of the way from the close before. */
  function painted(datum, before, colour) {
    const hue = colour(before === null || datum.close >= before ? "up-fill" : "down-fill");
    return { ...datum, color: datum.close >= datum.open ? colour("surface-1") : hue, borderColor: hue, wickColor: hue };
  }

  function averaged(bar) {
    const { columns: { ha } } = charts.page;
    const last = ha.close.length - 1;
    const close = (bar.open + bar.high + bar.low + bar.close) / 4;
    const open = last < 0 ? (bar.open + bar.close) / 2 : (ha.open[last] + ha.close[last]) / 2;
    return { time: bar.time, open, high: Math.max(bar.high, open, close), low: Math.min(bar.low, open, close), close };
  }

  /* A bar after the newest one drawn, as the series of the price takes it. */
  charts.priceBar = function ({ time, open, high, low, close }) {
    const { frame, columns } = charts.page;
    const datum = { time, open, high, low, close };
    if (frame.type === "line" || frame.type === "area") return { time, value: close };
    if (frame.type === "ha" && columns.ha) return averaged(datum);
    const before = columns.close.length ? columns.close[columns.close.length - 1] : null;
    return frame.type === "hollow" ? painted(datum, before, charts.colours()) : datum;
  };

  charts.priceSeries = function (frame, cols, colour) {
    const { times } = cols;
    const [type, options] = kinds[frame.type] || kinds.candles;
    const shown = frame.type === "ha" && cols.ha ? cols.ha : cols;
    const data = new Array(times.slots);
    for (const slot of times.holes) data[slot] = { time: slotMs(times, slot) / 1000 };
    times.at.forEach((slot, k) => {
      const time = slotMs(times, slot) / 1000;
      if (type === "line" || type === "area") return void (data[slot] = { time, value: cols.close[k] });
      const datum = { time, open: shown.open[k], high: shown.high[k], low: shown.low[k], close: shown.close[k] };
      data[slot] = frame.type === "hollow" ? painted(datum, k ? cols.close[k - 1] : null, colour) : datum;
    });
    const last = cols.close.length - 1;
    const rose = last < 0 || cols.close[last] >= cols.open[last];
    return {
      id: "price", type, pane: 0, data,
      options: {
        ...options(frame, colour), baseLineColor: colour("border-strong"), baseLineStyle: 2,
        lastValueVisible: frame.complete, priceLineVisible: frame.complete, // an old candle's close is no last price
        priceLineStyle: 1, priceLineWidth: 1,
        priceLineColor: colour(frame.simulated ? "sim" : rose ? "up-fill" : "down-fill"), priceFormat: format(frame.decimals),
      },
      priceScaleOptions: stretched(frame),
    };
  };

  /* The market compared with: a line over the same axis, which counts percent from the first visible bar. */
  charts.besideSeries = function (frame, cols, colour) {
    if (!frame.cmp) return [];
    const { times } = cols;
    const data = [];
    times.at.forEach((slot, k) => {
      if (cols.beside[k] !== null) data.push({ time: slotMs(times, slot) / 1000, value: cols.beside[k] });
    });
    return [{
      id: "beside", type: "line", pane: 0, data,
      options: {
        color: colour("overlay-6"), lineWidth: 2, priceLineVisible: false, lastValueVisible: frame.complete,
        crosshairMarkerVisible: false, title: frame.cmp.symbol, priceFormat: format(frame.cmp.decimals),
      },
    }];
  };
})();
