/* Indicators at the bar that forms. While it moves and somebody looks, the page asks every few seconds what they would be
   if the bar closed as it stands, draws that as the last point of each line, and says in the legend that the bar is
   unfinished. Once the bar has closed the next frame has the values that stay. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const page = charts.page;
  const PAUSE_MS = 3000; // between two questions
  const LOST_MS = 15000; // a question without an answer for so long is asked again
  const GONE_MS = 12000; // a closed bar that is not stored for so long has no values any more
  const asked = { n: 0, at: 0, open: false, of: "" };
  let told = null; // the newest answer that holds values

  /* ---- the question ----------------------------------------------------------------------------------------------------- */
  function ask() {
    const bar = document.hidden ? null : charts.forming();
    if (!bar || !page.frame.lines.length || leave(bar)) return;
    const now = Date.now();
    const of = [page.frame.key, page.frame.ind, bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume].join(" ");
    if (of === asked.of || now - asked.at < (asked.open ? LOST_MS : PAUSE_MS)) return;
    Object.assign(asked, { n: asked.n + 1, at: now, open: true, of });
    charts.set("charts-forming", { data: { n: asked.n } });
  }

  /* What was drawn of a bar that should be stored by now and is not: taken away. */
  function leave(bar) {
    if (!told || told.time >= bar.time * 1000 || Date.now() - told.at < GONE_MS) return false;
    told = null;
    charts.draw();
    return true;
  }

  function formed(answer) {
    if (!answer || answer.n !== asked.n) return;
    asked.open = false;
    if (!page.frame || !answer.values) return;
    told = { ...answer, at: Date.now() };
    charts.drawForming();
    charts.legend(page.pointed);
    for (const name of ["lines", "names", ...page.frame.lines.map((line) => `band/${line.of}`)]) charts.repaint("price", name);
  }

  /* ---- the answer ------------------------------------------------------------------------------------------------------- */
  /* Its number while it is of the bar that forms now, and that bar is in the span given (null: whether in view or not). */
  charts.formedAt = function (logical) {
    const bar = told && page.frame && charts.forming();
    if (!bar || told.key !== page.frame.key || told.ind !== page.frame.ind || told.time !== bar.time * 1000) return 0;
    return logical && bar.slot > logical.to ? 0 : told.n;
  };

  /* The value of a line at the bar that forms, null for none. Running sums go on from their newest closed value. */
  charts.formingValue = function (n) {
    if (!charts.formedAt(null)) return null;
    const { frame, columns: cols } = page;
    const { id } = frame.lines[n];
    if (id in told.values) return told.values[id];
    const { before } = charts.forming();
    const follows = before >= 0 && charts.slotMs(cols.times, cols.times.at[before]) === told.after;
    if (!(id in told.steps) || !follows || cols.lines[n][before] === null) return null;
    return cols.lines[n][before] + told.steps[id];
  };

  /* The last points of the lines, for the series that have none there yet. */
  charts.lineTicks = function (bar) {
    const { frame, columns: cols } = page;
    const colour = charts.colours();
    return frame.lines.flatMap((line, n) => {
      const value = charts.formingValue(n);
      if (value === null || cols.ahead[n].length || !charts.nativeSeries(line.id)) return [];
      if (line.kind === "levels" && value !== cols.lines[n][bar.before]) return []; // new ones are not joined to the old
      const point = { time: bar.time, value };
      if (line.kind === "histogram") point.color = charts.faded(colour(value >= 0 ? "up-fill" : "down-fill"), 0.3);
      return [{ id: line.id, bar: point }];
    });
  };

  Object.assign(window.dash_clientside.charts, { formed });
  setInterval(ask, 1000);
})();
