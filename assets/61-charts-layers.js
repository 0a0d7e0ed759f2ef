/* What is painted over the native series: filled bands and clouds, past calls, and lines on a percent axis. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const page = charts.page;
  const { slotMs } = charts;

  /* Bars in view, one more on either side; slots after the newest bar count on. */
  function inView(at, scale, width) {
    const { times } = page.columns;
    const first = (scale.ms(0) - times.first) / times.step - 1;
    const last = (scale.ms(width) - times.first) / times.step + 1;
    let from = 0;
    while (from < at.length && at[from] < first) from += 1;
    let to = from;
    while (to < at.length && at[to] <= last) to += 1;
    return [from, to];
  }

  /* The slots and values of an output, with those ahead of the newest bar, or else of the one that forms. */
  function whole(n) {
    const { columns: cols } = page;
    const known = (cols.whole = cols.whole || []);
    const of = charts.formedAt(null);
    if (known[n] && known[n].of === of) return known[n];
    const later = cols.ahead[n].map((value, k) => [cols.times.slots + k, value]);
    const formed = later.length ? null : charts.formingValue(n);
    if (formed !== null) later.push([charts.forming().slot, formed]);
    const kept = later.length && later[0][0] < cols.times.slots ? cols.times.at.length - 1 : cols.times.at.length;
    const [at, values] = [cols.times.at.slice(0, kept), cols.lines[n].slice(0, kept)];
    known[n] = { of, at: [...at, ...later.map(([slot]) => slot)], values: [...values, ...later.map(([, value]) => value)] };
    return known[n];
  }

  function polygon(context, points, fill) {
    if (points.length < 2) return;
    context.beginPath();
    points.forEach(([x, top], k) => (k ? context.lineTo(x, top) : context.moveTo(x, top)));
    for (let k = points.length - 1; k >= 0; k -= 1) context.lineTo(points[k][0], points[k][2]);
    context.closePath();
    context.fillStyle = fill;
    context.fill();
  }

  /* Two edges as stretches that neither cross nor have a hole; [sign of upper minus lower, points]. */
  function stretches(one, two, from, to, place) {
    const made = [];
    let now = null;
    for (let k = from; k < to; k += 1) {
      const [a, b] = [one.values[k], two.values[k]];
      const hole = a === null || b === null || (k > from && one.at[k] > one.at[k - 1] + 1);
      const sign = Math.sign(a - b);
      if (hole || !now || (sign && sign !== now.sign)) {
        const joint = now && !hole && now.points.length ? [now.points[now.points.length - 1]] : [];
        now = { sign: sign || 1, points: joint };
        made.push(now);
      }
      if (a !== null && b !== null) now.points.push(place(one.at[k], a, b));
    }
    return made;
  }

  /* The space between the two bands of an indicator: a cloud takes the colour of the side that leads. */
  function paintBand(n, m, line) {
    return (context, size) => {
      const scale = charts.scale();
      const api = charts.nativeSeries(line.id) || charts.nativeSeries("price");
      if (!scale || !api || !page.columns.lines[n] || !page.columns.lines[m]) return;
      const [one, two] = [whole(n), whole(m)];
      const [from, to] = inView(one.at, scale, size.width);
      const y = (value) => api.priceToCoordinate(value);
      const colour = charts.colours();
      const cloud = page.columns.ahead[n].length > 0;
      for (const { sign, points } of stretches(one, two, from, to, (slot, a, b) => [scale.x(slotMs(page.columns.times, slot)), y(a), y(b)])) {
        const hue = cloud ? colour(sign > 0 ? "up-fill" : "down-fill") : colour("overlay-" + line.colour);
        polygon(context, points, charts.faded(hue, cloud ? 0.14 : 0.06));
      }
    };
  }

  /* On a percent axis each native series would count from its own first value; these follow the price. */
  function paintLines(context, size) {
    const { frame, columns: cols } = page;
    const places = charts.places();
    if (!frame || frame.scale !== "pct" || !places) return;
    const colour = charts.colours();
    frame.lines.forEach((line, n) => {
      if (line.pane > 0) return;
      const { at, values } = whole(n);
      const [from, to] = inView(at, places, size.width);
      context.beginPath();
      context.lineWidth = line.kind === "band" ? 1 : 1.4;
      context.strokeStyle = colour("overlay-" + line.colour);
      context.setLineDash(line.dash ? [5, 4] : []);
      let down = false;
      for (let k = from; k < to; k += 1) {
        const value = values[k];
        const y = value === null ? null : places.y(value);
        if (y === null) down = false;
        else {
          const x = places.x(slotMs(cols.times, at[k]));
          if (down && at[k] === at[k - 1] + 1 && !(line.kind === "levels" && value !== values[k - 1])) context.lineTo(x, y);
          else context.moveTo(x, y);
          down = true;
        }
      }
      context.stroke();
    });
  }

  /* The names of levels beyond the newest bar, and the levels on it: lines of a period that has just begun have one point. */
  function paintNames(context, size) {
    const { frame, columns: cols } = page;
    const places = charts.places();
    if (!frame || !places || !frame.complete) return;
    const colour = charts.colours();
    context.font = `11px ${colour("font-sans")}`;
    context.textBaseline = "middle";
    frame.lines.forEach((line, n) => {
      if (line.kind !== "levels") return;
      const { at, values } = whole(n);
      const value = values[values.length - 1];
      const y = value === undefined || value === null ? null : places.y(value);
      const x = places.x(slotMs(cols.times, at[at.length - 1])) + places.bar / 2 + 4;
      if (y === null || x > size.width) return;
      context.fillStyle = context.strokeStyle = colour("overlay-" + line.colour);
      context.fillText(line.name, x, y);
      context.beginPath();
      context.moveTo(x - 4 - places.bar, y);
      context.lineTo(x - 3, y);
      context.stroke();
    });
  }

  /* ---- past calls ------------------------------------------------------------------------------------------------------ */
  const HUES = ["down-fill", "flat-fill", "up-fill"];

  /* A disc was right, a cross wrong, a ring is open, a dash abstained; under the bar it said bullish, over it bearish or neutral. */
  function mark(context, x, y, right, hue) {
    context.strokeStyle = context.fillStyle = hue;
    context.lineWidth = 1.5;
    context.beginPath();
    if (right === 0 || right === -1) {
      const rise = right === 0 ? 3 : 0;
      context.moveTo(x - 3, y - rise);
      context.lineTo(x + 3, y + rise);
      context.moveTo(x + 3, y - rise);
      context.lineTo(x - 3, y + rise);
      return void context.stroke();
    }
    context.arc(x, y, 3, 0, 2 * Math.PI);
    if (right === 1) context.fill();
    else context.stroke();
    return undefined;
  }

  function paintMarks(context, size) {
    const { frame, columns: cols } = page;
    const places = charts.places();
    if (!frame || !places || !frame.marks || places.bar < 1.5) return;
    const colour = charts.colours();
    cols.places = cols.places || new Map(cols.times.at.map((slot, k) => [slot, k]));
    for (const [ms, call, , right] of frame.marks) {
      const k = cols.places.get(Math.round((ms - cols.times.first) / cols.times.step));
      const x = places.x(ms);
      if (k === undefined || x < -8 || x > size.width + 8) continue;
      const edge = places.y(call === 2 ? cols.low[k] : cols.high[k]);
      if (edge !== null) mark(context, x, edge + (call === 2 ? 10 : -10), right, colour(HUES[call]));
    }
  }

  /* ---- the parts of a frame that are painted -------------------------------------------------------------------------- */
  function bands(frame) {
    const pairs = new Map();
    frame.lines.forEach((line, n) => {
      if (line.kind === "band") pairs.set(line.of, [...(pairs.get(line.of) || []), n]);
    });
    return [...pairs.values()].filter((pair) => pair.length === 2);
  }

  charts.dress = function () {
    const { frame } = page;
    if (!frame || !charts.native()) return;
    charts.hear(charts.moved, charts.hover);
    for (const [n, m] of bands(frame)) {
      const line = frame.lines[n];
      const id = charts.nativeSeries(line.id) ? line.id : "price";
      charts.paintOn(id, `band/${line.of}`, "bottom", paintBand(n, m, line));
    }
    const shown = new Set(bands(frame).map(([n]) => `band/${frame.lines[n].of}`));
    charts.unpaint("price", (name) => name.startsWith("band/") && !shown.has(name));
    charts.paintOn("price", "lines", "top", paintLines);
    charts.paintOn("price", "names", "top", paintNames);
    charts.paintOn("price", "marks", "top", paintMarks);
    if (charts.paintDrawings) charts.paintOn("price", "drawings", "top", charts.paintDrawings);
  };
})();
