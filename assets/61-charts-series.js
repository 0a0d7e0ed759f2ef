/* What the price chart draws: a frame's columns as Lightweight Charts series, in the colours of the page. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { slotMs, AXIS_HEIGHT } = charts;
  const SHARES = { price: 65, volume: 12, own: 18 }; // of the height

  const known = new Map(); // name -> colour; layers ask while they paint, and each look at a style makes the page count it

  function colours() {
    return (name) => {
      if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim());
      return known.get(name);
    };
  }

  function faded(hex, alpha) {
    const n = parseInt(hex.slice(1), 16);
    return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${alpha})`;
  }

  const quiet = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };

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
      priceScaleOptions: { scaleMargins: { top: 0.18, bottom: 0 }, mode: 0 }, // a new pane begins with the mode of the one before
    };
  }

  function gapSeries(cols, colour) {
    return {
      id: "gaps", type: "histogram", pane: 0,
      data: cols.times.holes.map((slot) => ({ time: slotMs(cols.times, slot) / 1000, value: 1 })),
      options: { ...quiet, priceScaleId: "gaps", color: faded(colour("text-4"), 0.1), base: 0 },
      priceScaleOptions: { scaleMargins: { top: 0, bottom: 0 }, visible: false },
    };
  }

  function lineSeries(frame, cols, colour) {
    const lines = frame.lines.map((line, n) => [line, n]).filter(([line]) => line.pane > 0 || frame.scale !== "pct");
    return lines.map(([line, n]) => {
      const values = cols.lines[n];
      const hue = colour("overlay-" + line.colour);
      const data = [];
      cols.times.at.forEach((slot, k) => {
        if (values[k] === null) return;
        const point = { time: slotMs(cols.times, slot) / 1000, value: values[k] };
        const ends = cols.times.at[k + 1] > slot + 1 || (line.kind === "levels" && k + 1 < values.length && values[k + 1] !== values[k]);
        if (ends && line.kind !== "points") point.color = "transparent"; // no line over a gap
        if (line.kind === "histogram") point.color = faded(colour(values[k] >= 0 ? "up-fill" : "down-fill"), 0.5);
        data.push(point);
      });
      const own = line.pane > 0;
      const formatter = own ? "figure" : "price" + frame.decimals;
      const options = {
        ...quiet, priceFormat: { type: "custom", formatter, tickmarksFormatter: own ? "shortTicks" : "ticks", minMove: own ? 1e-8 : 10 ** -frame.decimals },
      };
      cols.ahead[n].forEach((value, k) => {
        if (value !== null && cols.ahead[n].length) data.push({ time: slotMs(cols.times, cols.times.slots + k) / 1000, value });
      });
      if (line.kind !== "histogram") {
        options.color = line.kind === "band" ? faded(hue, 0.6) : hue;
        options.lineWidth = line.kind === "band" ? 1 : 1.4;
        options.lineStyle = line.dash ? 2 : 0;
        options.lastValueVisible = own && line.lead && frame.complete;
      }
      if (line.kind === "points") Object.assign(options, { lineVisible: false, pointMarkersVisible: true, pointMarkersRadius: 1.5 });
      const series = { id: line.id, type: line.kind === "histogram" ? "histogram" : "line", pane: line.pane, data, options };
      if (own) series.priceScaleOptions = { scaleMargins: { top: 0.22, bottom: 0.08 }, mode: 0 };
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
        id: "band/" + line.id, type: "baseline", pane: line.pane, priceScaleOptions: { mode: 0 },
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
    const leading = frame.call.abstains ? -1 : shares.indexOf(Math.max(...shares)); // who abstains leads nowhere
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
    if (!frame.call || frame.scale === "pct" || !frame.complete || times.step !== frame.tf_ms || !times.slots) return 0;
    const left = Math.round((frame.call.due - slotMs(times, times.slots)) / times.step);
    const room = document.getElementById("charts-chart").clientWidth > 600 ? 60 : 12;
    return Math.max(8, Math.min(left, room));
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
      localization: {
        timeFormatter: "moment", locale: "en-GB", percentageFormatter: "percent", tickmarksPercentageFormatter: "percentTicks",
      },
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
    known.clear(); // of another theme
    const colour = colours();
    const shares = panes(frame);
    window.dash_clientside.set_props("charts-chart", {
      series: [
        charts.priceSeries(frame, columns, colour), gapSeries(columns, colour), volumeSeries(columns, colour),
        // From the top pane down: a series of a pane that is not there yet opens the next one, whichever it asks for.
        ...[...bandSeries(frame, columns, colour), ...lineSeries(frame, columns, colour)].sort((a, b) => a.pane - b.pane),
        ...charts.lastSeries(frame, columns, colour), ...charts.besideSeries(frame, columns, colour), ...callSeries(frame, columns, colour),
      ],
      paneOptions: shares.map((stretchFactor) => ({ stretchFactor })),
      chartOptions: chartOptions(frame, colour),
      watermark: watermark(frame, colour),
      visibleLogicalRange: charts.page.logical,
    });
    charts.drawPaneTags(frame, shares);
    charts.legend(null);
    for (const ms of [0, 60, 300]) setTimeout(charts.dress, ms); // once the series stand
  };

  Object.assign(charts, { colours, faded });
})();
