/* What is written over the chart: the values of the bar under the crosshair, in every pane, and what is missing. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { slotMs, element, number, short, percent, moment, span, change, AXIS_HEIGHT } = charts;
  const NAMED = 3; // an indicator of more values than that names them
  const GAPS = { open: "open: the exchange is asked for it again", confirmed: "confirmed: the exchange has nothing there" };

  function pair(label, text, className) {
    const made = element("span", "pair");
    made.append(element("span", "", label), element("b", className || "", text));
    return made;
  }

  function tagged(colour, label, text) {
    const made = element("span", "k");
    const mark = element("i");
    mark.style.background = `var(--${colour})`;
    made.append(mark, element("span", "", label), element("b", "", text));
    return made;
  }

  /* One entry an indicator: its title, and the values of its outputs at bar `k`, or at the one that forms behind it. */
  function readings(frame, cols, k, pane, live) {
    const found = new Map();
    const count = (of) => frame.lines.filter((line) => line.of === of).length;
    frame.lines.forEach((line, n) => {
      if (line.pane !== pane) return;
      const formed = live ? charts.formingValue(n) : null;
      const value = formed === null ? cols.lines[n][k] : formed;
      const text = pane ? short(value) : number(value, frame.decimals);
      const entry = found.get(line.of) || { line, texts: [], forms: false };
      entry.texts.push(count(line.of) > NAMED ? `${line.name} ${text}` : text);
      entry.forms = entry.forms || (formed !== null && line.kind !== "levels"); // these do not look at their own bar
      found.set(line.of, entry);
    });
    return [...found.values()].map(({ line, texts, forms }) => {
      const label = line.repaints ? `${line.label}, repaints` : line.label;
      const made = tagged(`overlay-${line.colour}`, label, texts.join(" \u00b7 "));
      if (forms) made.append(element("em", "", "unfinished"));
      return made;
    });
  }

  charts.drawPaneTags = function (frame, shares) {
    const holder = document.getElementById("charts-pane-tags");
    if (!holder) return;
    told = []; // to be written anew, into these
    const total = shares.reduce((a, b) => a + b, 0);
    let above = shares[0];
    holder.replaceChildren(...shares.slice(1).map((share, n) => {
      const tag = element("span", "pane-tag");
      tag.dataset.pane = String(n + 1);
      tag.style.top = `calc((100% - ${AXIS_HEIGHT}px) * ${above / total} + 5px)`;
      above += share;
      return tag;
    }));
  };

  function notes(frame, cols) {
    const told = [];
    if (frame.time.step !== frame.tf_ms) {
      told.push(`Drawn in bars of ${span(frame.time.step)}; indicators count these bars.`);
    }
    if (frame.type === "ha") told.push("Heikin-Ashi bars are averages; the values above are the candles\u2019 own prices.");
    if (frame.marks.length) told.push("Past calls: \u25cf right, \u00d7 wrong, \u25cb open, \u2013 abstained; under a bar bullish, over it bearish or (grey) neutral.");
    if (frame.cmp_missing) told.push(frame.cmp_missing);
    if (cols.times.holes.length) {
      const n = cols.times.holes.length;
      const sure = frame.holes.filter(([, , state]) => state === "confirmed").length;
      const still = frame.holes.length - sure;
      const told_by = [sure && `${sure} ${sure === 1 ? "hole" : "holes"} confirmed`, still && `${still} asked for again`].filter(Boolean).join(", ");
      told.push(`${number(n, 0)} ${n === 1 ? "bar is" : "bars are"} missing here${told_by ? ` (${told_by})` : ""}; the gap is left open.`);
    }
    return told;
  }

  /* The newest bar that is visible, and the oldest. */
  function newest(cols, logical) {
    let k = cols.close.length - 1;
    while (k > 0 && logical && cols.times.at[k] > logical.to) k -= 1;
    return k;
  }

  function oldest(cols, logical) {
    let k = 0;
    while (k < cols.close.length - 1 && logical && cols.times.at[k] < logical.from) k += 1;
    return k;
  }

  /* From the first visible bar on, as the percent axis counts. */
  function since(values, from, k) {
    while (from < k && values[from] === null) from += 1;
    return values[from] && values[k] !== null ? percent((values[k] / values[from] - 1) * 100) : "\u2014";
  }

  function beside(frame, cols, k) {
    const first = oldest(cols, charts.page.logical);
    const other = frame.cmp;
    const own = tagged("up-fill", frame.symbol, since(cols.close, first, k));
    own.firstChild.style.background = "var(--text-2)";
    const value = `${since(cols.beside, first, k)} \u00b7 ${number(cols.beside[k], other.decimals)}`;
    const label = `${other.symbol}, ${other.exchange}${other.simulated ? " (simulated)" : ""}`;
    const line = tagged("overlay-6", label, value);
    line.classList.add("beside");
    return [own, line];
  }

  let told = [];

  /* Whether all that the legend shows is as it was when it was last written. */
  function same(...now) {
    const before = told;
    told = now;
    return before.length === now.length && now.every((one, n) => one === before[n]);
  }

  charts.legend = function (index) {
    const { frame, columns: cols } = charts.page;
    const holder = document.getElementById("charts-legend");
    if (!holder || !frame) return;
    const last = cols.close.length - 1;
    const k = index === null ? newest(cols, charts.page.logical) : index;
    if (k < 0) return holder.replaceChildren();
    const { logical } = charts.page;
    const forming = logical !== null && logical.to >= cols.times.slots; // its bar may be told in place of the newest
    const live = index === null && charts.formedAt(logical); // which answer about it is told; 0 for none
    if (same(holder, cols, k, index === null, frame.cmp && oldest(cols, logical), forming, live)) return undefined;
    holder.classList.toggle("is-pointed", index !== null);
    const price = (value) => number(value, frame.decimals);
    const moved = change(k ? cols.close[k - 1] : cols.open[k], cols.close[k]);
    const way = moved.sign > 0 ? "up" : moved.sign < 0 ? "down" : "";
    const first = element("div", "row1");
    first.append(element("span", "sw", `${frame.symbol} \u00b7 ${frame.tf}`));
    first.append(pair("O", price(cols.open[k])), pair("H", price(cols.high[k])), pair("L", price(cols.low[k])),
      pair("C", price(cols.close[k])), element("b", way, moved.text), pair("Vol", short(cols.volume[k])));
    if (k < last || index !== null) first.append(element("span", "when", moment(slotMs(cols.times, cols.times.at[k]), frame.tf_ms)));
    const second = element("div", "row1");
    second.append(...readings(frame, cols, k, 0, live));
    const rows = [first, second];
    if (frame.cmp) {
      const third = element("div", "row1");
      third.append(...beside(frame, cols, k));
      rows.splice(1, 0, third);
    }
    holder.replaceChildren(...rows, ...notes(frame, cols).map((text) => element("div", "note", text)));
    for (const tag of document.querySelectorAll("#charts-pane-tags .pane-tag")) {
      const pane = Number(tag.dataset.pane);
      if (pane === 1) tag.replaceChildren(pair(`Volume, ${frame.base}`, short(cols.volume[k])));
      else tag.replaceChildren(...readings(frame, cols, k, pane, live));
    }
    return undefined;
  };

  /* The crosshair is over a place without a candle. */
  charts.legendOfGap = function (slot) {
    const { frame, columns: cols } = charts.page;
    const holder = document.getElementById("charts-legend");
    if (!holder || !frame) return;
    told = [];
    const at = slotMs(cols.times, slot);
    const hole = frame.holes.find(([from, to]) => at + cols.times.step > from && at < to);
    const row = element("div", "row1");
    row.append(element("span", "sw", `${frame.symbol} \u00b7 ${frame.tf}`), element("span", "", "No candle here"));
    row.append(element("span", "when", moment(at, frame.tf_ms)));
    holder.classList.add("is-pointed");
    holder.replaceChildren(row, element("div", "note", `This gap is ${hole ? GAPS[hole[2]] : "left open"}.`));
  };
})();
