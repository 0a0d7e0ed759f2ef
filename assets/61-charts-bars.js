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
    line: ["line", (frame, colour) => ({ color: colour("text-1"), lineWidth: 2, crosshairMarkerVisible: false })],
    area: ["area", (frame, colour) => ({
      lineColor: colour("text-1"), lineWidth: 2, crosshairMarkerVisible: false,
      topColor: charts.faded(colour("text-1"), 0.08), bottomColor: charts.faded(colour("text-1"), 0.08),
    })],
  };

  /* Hollow candles: hollow where the close is not under the open, in the colour of the way from the close before. */
  function painted(datum, before, colour) {
    const hue = colour(before === null || datum.close >= before ? "up-fill" : "down-fill");
    return { ...datum, color: datum.close >= datum.open ? colour("surface-1") : hue, borderColor: hue, wickColor: hue };
  }

  function averaged(bar) {
    const { columns: { ha } } = charts.page;
    const last = bar.before;
    const close = (bar.open + bar.high + bar.low + bar.close) / 4;
    const open = last < 0 ? (bar.open + bar.close) / 2 : (ha.open[last] + ha.close[last]) / 2;
    return { time: bar.time, open, high: Math.max(bar.high, open, close), low: Math.min(bar.low, open, close), close };
  }

  /* A bar after the newest one drawn, for every series that draws the price. */
  charts.priceTicks = function (bar) {
    const ticks = [{ id: "price", bar: priceBar(bar) }];
    if (charts.page.frame.type === "ha") ticks.push({ id: "last", bar: { time: bar.time, value: bar.close } });
    return ticks;
  };

  function priceBar({ time, open, high, low, close, before: last }) {
    const { frame, columns } = charts.page;
    const datum = { time, open, high, low, close };
    if (frame.type === "line" || frame.type === "area") return { time, value: close };
    if (frame.type === "ha" && columns.ha) return averaged({ ...datum, before: last });
    const before = last >= 0 ? columns.close[last] : null;
    return frame.type === "hollow" ? painted(datum, before, charts.colours()) : datum;
  }

  /* The close of an averaged bar is no price: the tag and the line of the last price come from the candles. */
  charts.lastSeries = function (frame, cols, colour) {
    if (frame.type !== "ha" || !cols.close.length) return [];
    const k = cols.close.length - 1;
    const hue = colour(frame.simulated ? "sim" : cols.close[k] >= cols.open[k] ? "up-fill" : "down-fill");
    return [{
      id: "last", type: "line", pane: 0, data: [{ time: slotMs(cols.times, cols.times.at[k]) / 1000, value: cols.close[k] }],
      options: {
        color: hue, lineVisible: false, crosshairMarkerVisible: false, lastValueVisible: frame.complete,
        priceLineVisible: frame.complete, priceLineStyle: 1, priceLineWidth: 1, priceLineColor: hue, priceFormat: format(frame.decimals),
      },
    }];
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
    const told = frame.complete && frame.type !== "ha";
    const rose = last < 0 || cols.close[last] >= cols.open[last];
    return {
      id: "price", type, pane: 0, data,
      options: {
        ...options(frame, colour), baseLineColor: colour("border-strong"), baseLineStyle: 2,
        lastValueVisible: told, priceLineVisible: told, // an old candle's close is no last price
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
