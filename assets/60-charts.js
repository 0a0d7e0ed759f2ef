/* The price chart in the browser: packed columns, and how numbers and times are written. */
(function () {
  "use strict";

  const charts = (window.boltCharts = { page: { view: null, frame: null, columns: null, logical: null, pointed: null, nudge: 0 } });
  const named = (window.dashTvlwcFunctions = window.dashTvlwcFunctions || {});
  const MINUS = "\u2212";
  const AXIS_HEIGHT = 26; // px of the time axis under the panes
  const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

  /* ---- numbers and times -------------------------------------------------------------------------------------- */
  const { MONTHS, number, signed } = window.boltLocale;

  /* Three significant digits with K, M, B or T. */
  const short = (value) => signed(shortened(value));

  function shortened(value) {
    if (value === null || value === undefined || !isFinite(value)) return "\u2014";
    const size = Number(Math.abs(value).toPrecision(3));
    const sign = value < 0 && size ? MINUS : "";
    for (const [unit, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
      if (size >= unit) return sign + trimmed(size / unit) + letter;
    }
    return sign + trimmed(size);
  }

  function trimmed(size) {
    if (size === 0) return "0";
    return size.toFixed(Math.max(0, Math.min(20, 2 - Math.floor(Math.log10(size)))));
  }

  function change(from, to) {
    if (!from) return { text: "\u2014", sign: 0 };
    const percent = (to / from - 1) * 100;
    const rounded = Math.round(percent * 100) / 100;
    const sign = Math.sign(rounded);
    return { text: (sign > 0 ? "+" : "") + number(rounded, 2) + "%", sign };
  }

  const two = (n) => String(n).padStart(2, "0");
  const clock = (d) => two(d.getUTCHours()) + ":" + two(d.getUTCMinutes());
  const { date, day } = window.boltLocale;

  function moment(ms, step) {
    const d = new Date(ms);
    const whole = DAYS[d.getUTCDay()] + " " + date(d);
    return step >= 86400000 ? whole : whole + " " + clock(d);
  }

  function span(ms) {
    const minutes = Math.round(ms / 60000);
    if (minutes < 60) return minutes + " min";
    if (minutes < 1440) return minutes / 60 + " h";
    if (minutes < 10080) return minutes / 1440 + " d";
    return minutes / 10080 + " w";
  }

  for (let d = 0; d <= 12; d += 1) named["price" + d] = (value) => number(value, d);
  /* Axis labels need no more decimals than tell them apart. */
  named.ticks = (values) => {
    const step = values.length > 1 ? Math.abs(values[1] - values[0]) : 0;
    const decimals = step ? Math.max(0, Math.min(12, -Math.floor(Math.log10(step) + 1e-9))) : 2;
    return values.map((value) => number(value, decimals));
  };
  named.shortTicks = (values) => values.map((value) => signed(shortened(value).replace(/\.0+(?=[KMBT]?$)|(\.\d*?[1-9])0+(?=[KMBT]?$)/, "$1")));
  const percent = (value) => (value > 0 ? "+" : "") + number(value, 2) + "%";
  named.percent = percent;
  named.percentTicks = (values) => values.map((value) => (value > 0 ? "+" : "") + number(value, Math.abs(value) < 10 ? 1 : 0) + "%");
  named.volume = short;
  named.figure = short;
  named.moment = (seconds) => moment(seconds * 1000, charts.page.frame ? charts.page.frame.time.step : 0);
  named.mark = (seconds, kind) => {
    const d = new Date(seconds * 1000);
    if (kind === 0) return String(d.getUTCFullYear());
    if (kind === 1) return MONTHS[d.getUTCMonth()];
    return kind === 2 ? day(d) : clock(d);
  };

  /* ---- packed columns (layouts/components/packing.py) ----------------------------------------------------------- */
  function summed(numbers) {
    let sum = 0;
    return numbers.map((step) => (sum += step));
  }

  function unpack(packed) {
    const scale = 10 ** packed.k;
    const values = summed(summed(JSON.parse(packed.d))).map((whole) => whole / scale);
    for (const [start, stop] of packed.n || []) values.fill(null, start, stop);
    return values;
  }

  function unpackPrices(packed) {
    const scale = 10 ** packed.k;
    const [o, h, l, c] = ["o", "h", "l", "c"].map((name) => JSON.parse(packed[name]));
    const out = { open: [], high: [], low: [], close: [] };
    let before = 0;
    for (let k = 0; k < o.length; k += 1) {
      const open = before + o[k];
      const close = open + c[k];
      out.open.push(open / scale);
      out.high.push((Math.max(open, close) + h[k]) / scale);
      out.low.push((Math.min(open, close) - l[k]) / scale);
      out.close.push(close / scale);
      before = close;
    }
    return out;
  }

  /* Every step of the axis is a slot, also where a candle is missing: gaps stay gaps, and time stays straight. */
  function unpackTimes(packed) {
    const at = [];
    const holes = [];
    const missing = new Map(packed.skips);
    let slot = 0;
    for (let k = 0; k < packed.count; k += 1) {
      for (let m = missing.get(k) || 0; m > 0; m -= 1) holes.push(slot++);
      at.push(slot++);
    }
    return { at, holes, slots: slot, first: packed.first, step: packed.step };
  }

  charts.unpackFrame = function (frame) {
    const times = unpackTimes(frame.time);
    const byKey = { volume: unpack(frame.volume), ...unpackPrices(frame.prices) };
    return {
      ...byKey, times,
      lines: frame.lines.map((line) => unpack(line.values)),
      ahead: frame.lines.map((line) => (line.ahead ? unpack(line.ahead) : [])),
      ha: frame.ha ? unpackPrices(frame.ha) : null,
      beside: frame.cmp ? unpack(frame.cmp.values) : null,
    };
  };

  const slotMs = (times, slot) => times.first + slot * times.step;

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /* ---- the clock beside the price --------------------------------------------------------------------------------------- */
  setInterval(() => {
    const holder = document.getElementById("charts-countdown");
    const { frame } = charts.page;
    if (!holder || !frame) return;
    if (!frame.live) return void (holder.textContent = "");
    const left = frame.tf_ms - ((Date.now() - frame.offset_ms) % frame.tf_ms);
    const seconds = Math.floor(left / 1000);
    const days = Math.floor(seconds / 86400);
    const hours = Math.floor(seconds / 3600) % 24;
    const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    holder.textContent = `closes in ${days ? `${days} d ` : ""}${days || hours ? `${two(hours)}:` : ""}${clock}`;
  }, 1000);

  Object.assign(charts, { slotMs, element, number, short, percent, moment, span, change, AXIS_HEIGHT });
})();
