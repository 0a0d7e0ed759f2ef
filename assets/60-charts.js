/* The price chart in the browser: packed columns in, Lightweight Charts series out; the legend under the crosshair. */
(function () {
  "use strict";

  const charts = (window.boltCharts = { page: { view: null, frame: null, columns: null, logical: null, nudge: 0 } });
  const named = (window.dashTvlwcFunctions = window.dashTvlwcFunctions || {});
  const MINUS = "\u2212";
  const AXIS_HEIGHT = 26; // px of the time axis under the panes
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const SHARES = { price: 65, volume: 12, own: 18 }; // of the height

  /* ---- numbers and times -------------------------------------------------------------------------------------- */
  function number(value, decimals) {
    if (value === null || value === undefined || !isFinite(value)) return "\u2014";
    const text = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    return value < 0 && Number(text.replace(/,/g, "")) !== 0 ? MINUS + text : text;
  }

  /* Three significant digits with K, M, B or T. */
  function short(value) {
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
  const day = (d) => d.getUTCDate() + " " + MONTHS[d.getUTCMonth()];

  function moment(ms, step) {
    const d = new Date(ms);
    const date = DAYS[d.getUTCDay()] + " " + day(d) + " " + d.getUTCFullYear();
    return step >= 86400000 ? date : date + " " + clock(d);
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
  named.shortTicks = (values) => values.map((value) => short(value).replace(/\.0+(?=[KMBT]?$)|(\.\d*?[1-9])0+(?=[KMBT]?$)/, "$1"));
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
    return { ...byKey, times, lines: frame.lines.map((line) => unpack(line.values)) };
  };

  const slotMs = (times, slot) => times.first + slot * times.step;
  charts.slotMs = slotMs;

  /* ---- drawing --------------------------------------------------------------------------------------------------- */
  function colours() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue("--" + name).trim();
  }

  function faded(hex, alpha) {
    const n = parseInt(hex.slice(1), 16);
    return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${alpha})`;
  }

  const quiet = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };

  function candleSeries(frame, cols, colour) {
    const { times } = cols;
    const data = new Array(times.slots);
    for (const slot of times.holes) data[slot] = { time: slotMs(times, slot) / 1000 };
    times.at.forEach((slot, k) => {
      data[slot] = {
        time: slotMs(times, slot) / 1000, open: cols.open[k], high: cols.high[k], low: cols.low[k], close: cols.close[k],
      };
    });
    const last = cols.close.length - 1;
    const rose = last < 0 || cols.close[last] >= cols.open[last];
    const up = colour("up-fill");
    const down = colour("down-fill");
    return {
      id: "price", type: "candlestick", pane: 0, data,
      options: {
        upColor: colour("surface-1"), borderUpColor: up, wickUpColor: up,
        downColor: down, borderDownColor: down, wickDownColor: down,
        lastValueVisible: frame.complete, priceLineVisible: frame.complete, // an old candle's close is no last price
        priceLineStyle: 1, priceLineColor: frame.simulated ? colour("sim") : rose ? up : down, priceLineWidth: 1,
        priceFormat: { type: "custom", formatter: "price" + frame.decimals, tickmarksFormatter: "ticks", minMove: 10 ** -frame.decimals },
      },
      priceScaleOptions: { scaleMargins: { top: 0.14, bottom: 0.06 }, mode: frame.log ? 1 : 0 },
    };
  }

  function volumeSeries(cols, colour) {
    const alpha = parseFloat(colour("chart-volume-opacity")) + 0.12;
    const up = faded(colour("up-fill"), alpha);
    const down = faded(colour("down-fill"), alpha);
    return {
      id: "volume", type: "histogram", pane: 1,
      data: cols.times.at.map((slot, k) => ({
        time: slotMs(cols.times, slot) / 1000, value: cols.volume[k], color: cols.close[k] >= cols.open[k] ? up : down,
      })),
      options: { ...quiet, priceFormat: { type: "custom", formatter: "volume", tickmarksFormatter: "shortTicks", minMove: 1e-8 } },
      priceScaleOptions: { scaleMargins: { top: 0.18, bottom: 0 } },
    };
  }

  function gapSeries(cols, colour) {
    return {
      id: "gaps", type: "histogram", pane: 0,
      data: cols.times.holes.map((slot) => ({ time: slotMs(cols.times, slot) / 1000, value: 1 })),
      options: { ...quiet, priceScaleId: "gaps", color: faded(colour("warning"), 0.09), base: 0 },
      priceScaleOptions: { scaleMargins: { top: 0, bottom: 0 }, visible: false },
    };
  }

  function lineSeries(frame, cols, colour) {
    return frame.lines.map((line, n) => {
      const values = cols.lines[n];
      const hue = colour("overlay-" + line.colour);
      const data = [];
      cols.times.at.forEach((slot, k) => {
        if (values[k] === null) return;
        const point = { time: slotMs(cols.times, slot) / 1000, value: values[k] };
        if (cols.times.at[k + 1] > slot + 1) point.color = "transparent"; // no line over a gap
        if (line.kind === "histogram") point.color = faded(colour(values[k] >= 0 ? "up-fill" : "down-fill"), 0.5);
        data.push(point);
      });
      const own = line.pane > 0;
      const formatter = own ? "figure" : "price" + frame.decimals;
      const options = {
        ...quiet, priceFormat: { type: "custom", formatter, tickmarksFormatter: own ? "shortTicks" : "ticks", minMove: own ? 1e-8 : 10 ** -frame.decimals },
      };
      if (line.kind !== "histogram") {
        options.color = line.kind === "band" ? faded(hue, 0.6) : hue;
        options.lineWidth = line.kind === "band" ? 1 : 1.4;
        options.lineStyle = line.dash ? 2 : 0;
        options.lastValueVisible = own && line.lead;
      }
      const series = { id: line.id, type: line.kind === "histogram" ? "histogram" : "line", pane: line.pane, data, options };
      if (own) series.priceScaleOptions = { scaleMargins: { top: 0.22, bottom: 0.08 } };
      if (own && line.lead) {
        series.priceLines = line.levels.map((price) => ({
          price, color: colour("border-strong"), lineWidth: 1, lineStyle: 2, axisLabelVisible: false, title: "",
        }));
      }
      return series;
    });
  }

  /* The band between the outer levels of an oscillator, tinted. */
  function bandSeries(frame, cols, colour) {
    if (!cols.times.slots) return [];
    const ends = [0, cols.times.slots - 1].map((slot) => slotMs(cols.times, slot) / 1000);
    return frame.lines.filter((line) => line.lead && line.levels.length > 1).map((line) => {
      const tint = faded(colour("overlay-" + line.colour), 0.05);
      const clear = "rgba(0,0,0,0)";
      const points = ends[0] === ends[1] ? [ends[0]] : ends;
      return {
        id: "band/" + line.id, type: "baseline", pane: line.pane,
        data: points.map((time) => ({ time, value: Math.max(...line.levels) })),
        options: {
          ...quiet, baseValue: { type: "price", price: Math.min(...line.levels) }, lineVisible: false,
          topLineColor: clear, bottomLineColor: clear, topFillColor1: tint, topFillColor2: tint,
          bottomFillColor1: clear, bottomFillColor2: clear,
          priceFormat: { type: "custom", formatter: "figure", tickmarksFormatter: "shortTicks", minMove: 1e-8 },
        },
      };
    });
  }

  /* The call right of now: three bars of equal height whose lengths are the probabilities, between dashed barriers. */
  function callSeries(frame, cols, colour) {
    const { times } = cols;
    const length = charts.callBars(frame, times);
    if (!length) return [];
    const { upper, lower, shares, percents } = frame.call;
    const wide = document.getElementById("charts-chart").clientWidth > 600;
    const reach = length + (wide ? 12 : 6); // labels hang on the upper barrier, so that one reaches beyond them
    const clear = "rgba(0,0,0,0)";
    const at = (n) => slotMs(times, times.slots + n) / 1000;
    const half = (upper - lower) * 0.09;
    const priceFormat = { type: "custom", formatter: "price" + frame.decimals, minMove: 10 ** -frame.decimals };
    const barriers = [["upper", upper], ["lower", lower]].map(([word, value]) => ({
      id: "call/" + word, type: "line", pane: 0, data: Array.from({ length: reach }, (_, n) => ({ time: at(n), value })),
      options: { ...quiet, priceFormat, color: colour("text-4"), lineWidth: 1, lineStyle: 2 },
    }));
    const names = [["Bearish", "down-fill", lower - 1.6 * half], ["Neutral", "flat-fill", (upper + lower) / 2], ["Bullish", "up-fill", upper + 1.6 * half]];
    const leading = shares.indexOf(Math.max(...shares));
    const lengths = shares.map((share) => Math.max(1, Math.round(share * length)));
    barriers[0].markers = names.map(([name, , middle], n) => ({
      time: at(lengths[n] + (wide ? 6 : 3)), position: "atPriceMiddle", price: middle, shape: "square", size: 0,
      color: colour(n === leading ? "text-1" : "text-3"), text: wide ? `${name} ${percents[n]}%` : `${percents[n]}%`,
    }));
    return [...barriers, ...names.map(([name, hue, middle], n) => {
      const data = Array.from({ length: lengths[n] + 1 }, (_, k) => ({ time: at(k), value: middle + half }));
      const fill = n === leading ? colour(hue) : faded(colour(hue), 0.3);
      return {
        id: "call/" + name, type: "baseline", pane: 0, data,
        options: {
          ...quiet, priceFormat, baseValue: { type: "price", price: middle - half }, lineWidth: 1,
          topLineColor: colour(hue), bottomLineColor: clear, topFillColor1: fill, topFillColor2: fill,
          bottomFillColor1: clear, bottomFillColor2: clear,
        },
      };
    })];
  }

  /* How many bars the call reaches to the right; 0 where it cannot be drawn. */
  charts.callBars = function (frame, times) {
    if (!frame.call || !frame.complete || times.step !== frame.tf_ms || !times.slots) return 0;
    const left = Math.round((frame.call.due - slotMs(times, times.slots)) / times.step);
    return Math.max(8, Math.min(left, 60));
  };

  function chartOptions(frame, colour) {
    const line = { color: colour("chart-cross"), width: 1, style: 1, labelBackgroundColor: colour("surface-3") };
    return {
      layout: {
        background: { type: "solid", color: "rgba(0,0,0,0)" }, textColor: colour("chart-axis"), fontSize: 11,
        fontFamily: colour("font-sans"), attributionLogo: true,
        panes: { separatorColor: colour("border-line"), enableResize: false },
      },
      grid: { vertLines: { color: colour("chart-grid") }, horzLines: { color: colour("chart-grid") } },
      crosshair: { mode: 0, vertLine: line, horzLine: line },
      rightPriceScale: { borderVisible: false, minimumWidth: 68 },
      timeScale: {
        borderVisible: false, timeVisible: true, secondsVisible: false, tickMarkFormatter: "mark", minBarSpacing: 0.5,
        minimumHeight: AXIS_HEIGHT,
      },
      localization: { timeFormatter: "moment", locale: "en-GB" },
      handleScroll: { mouseWheel: true, pressedMouseMove: true, horzTouchDrag: true, vertTouchDrag: false },
    };
  }

  function watermark(frame, colour) {
    if (!frame.simulated) return null;
    const lines = [{ text: "SIMULATED", color: faded(colour("sim"), 0.14), fontSize: 64, fontFamily: colour("font-sans") }];
    return { pane: 0, horzAlign: "center", vertAlign: "center", lines };
  }

  function panes(frame) {
    const own = Math.max(1, ...frame.lines.map((line) => line.pane)) - 1;
    return [SHARES.price, SHARES.volume, ...new Array(own).fill(SHARES.own)];
  }

  charts.draw = function () {
    const { frame, columns } = charts.page;
    const colour = colours();
    const shares = panes(frame);
    window.dash_clientside.set_props("charts-chart", {
      series: [
        candleSeries(frame, columns, colour), gapSeries(columns, colour), volumeSeries(columns, colour),
        ...bandSeries(frame, columns, colour), ...lineSeries(frame, columns, colour),
        ...callSeries(frame, columns, colour),
      ],
      paneOptions: shares.map((stretchFactor) => ({ stretchFactor })),
      chartOptions: chartOptions(frame, colour),
      watermark: watermark(frame, colour),
      visibleLogicalRange: charts.page.logical,
    });
    drawPaneTags(frame, shares);
    charts.legend(null);
  };

  /* ---- legend ------------------------------------------------------------------------------------------------------ */
  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  charts.element = element;

  function pair(label, text, className) {
    const made = element("span", "pair");
    made.append(element("span", "", label), element("b", className || "", text));
    return made;
  }

  function tagged(line, text) {
    const made = element("span", "k");
    const mark = element("i");
    mark.style.background = `var(--overlay-${line.colour})`;
    made.append(mark, element("span", "", line.label), element("b", "", text));
    return made;
  }

  /* One entry an indicator: its title, and the values of its outputs at bar `k`. */
  function readings(frame, cols, k, pane) {
    const found = new Map();
    frame.lines.forEach((line, n) => {
      if (line.pane !== pane) return;
      const value = cols.lines[n][k];
      const text = pane ? short(value) : number(value, frame.decimals);
      if (found.has(line.of)) found.get(line.of).texts.push(text);
      else found.set(line.of, { line, texts: [text] });
    });
    return [...found.values()].map(({ line, texts }) => tagged(line, texts.join(" \u00b7 ")));
  }

  function drawPaneTags(frame, shares) {
    const holder = document.getElementById("charts-pane-tags");
    if (!holder) return;
    const total = shares.reduce((a, b) => a + b, 0);
    let above = shares[0];
    holder.replaceChildren(...shares.slice(1).map((share, n) => {
      const tag = element("span", "pane-tag");
      tag.dataset.pane = String(n + 1);
      tag.style.top = `calc((100% - ${AXIS_HEIGHT}px) * ${above / total} + 5px)`;
      above += share;
      return tag;
    }));
  }

  function notes(frame, cols) {
    const told = [];
    if (frame.time.step !== frame.tf_ms) {
      told.push(`Drawn in bars of ${span(frame.time.step)}; indicators count these bars.`);
    }
    if (cols.times.holes.length) {
      const n = cols.times.holes.length;
      told.push(`${number(n, 0)} ${n === 1 ? "bar is" : "bars are"} missing here; the gap is left open.`);
    }
    return told;
  }

  charts.legend = function (index) {
    const { frame, columns: cols } = charts.page;
    const holder = document.getElementById("charts-legend");
    if (!holder || !frame) return;
    const k = index === null ? cols.close.length - 1 : index;
    if (k < 0) return holder.replaceChildren();
    const price = (value) => number(value, frame.decimals);
    const moved = change(k ? cols.close[k - 1] : cols.open[k], cols.close[k]);
    const way = moved.sign > 0 ? "up" : moved.sign < 0 ? "down" : "";
    const first = element("div", "row1");
    first.append(element("span", "sw", `${frame.symbol} \u00b7 ${frame.tf}`));
    first.append(pair("O", price(cols.open[k])), pair("H", price(cols.high[k])), pair("L", price(cols.low[k])),
      pair("C", price(cols.close[k])), element("b", way, moved.text), pair("Vol", short(cols.volume[k])));
    if (index !== null) first.append(element("span", "when", moment(slotMs(cols.times, cols.times.at[k]), frame.tf_ms)));
    const second = element("div", "row1");
    second.append(...readings(frame, cols, k, 0));
    holder.replaceChildren(first, second, ...notes(frame, cols).map((text) => element("div", "note", text)));
    for (const tag of document.querySelectorAll("#charts-pane-tags .pane-tag")) {
      const pane = Number(tag.dataset.pane);
      if (pane === 1) tag.replaceChildren(pair(`Volume, ${frame.base}`, short(cols.volume[k])));
      else tag.replaceChildren(...readings(frame, cols, k, pane));
    }
    return undefined;
  };

  charts.number = number;
  charts.short = short;
  charts.moment = moment;
  charts.change = change;
})();
