/* The table behind the chart: the visible candles with the values of their indicators. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page, find, element, number, moment } = charts;

  /* Written anew while it is open. */
  charts.table = function () {
    const holder = find("charts-table");
    if (holder && !holder.hidden) write();
  };

  function write() {
    const { frame, columns, logical } = page;
    if (!frame || !logical) return;
    const names = ["Opened, UTC", "Open", "High", "Low", "Close", "Volume", ...frame.lines.map((line) => line.column)];
    const head = element("tr");
    names.forEach((name, n) => head.append(Object.assign(element("th", n ? "num" : "", name), { scope: "col" })));
    const rows = [];
    for (let k = columns.close.length - 1; k >= 0 && rows.length < 300; k -= 1) {
      const slot = columns.times.at[k];
      if (slot < logical.from - 0.5 || slot > logical.to + 0.5) continue;
      const row = element("tr");
      row.append(element("td", "", moment(charts.slotMs(columns.times, slot), frame.tf_ms)));
      for (const name of ["open", "high", "low", "close"]) row.append(element("td", "num", number(columns[name][k], frame.decimals)));
      row.append(element("td", "num", number(columns.volume[k], Math.min(3, frame.volume.k))));
      frame.lines.forEach((line, n) => {
        const value = columns.lines[n][k];
        row.append(element("td", "num", line.pane ? charts.short(value) : number(value, frame.decimals)));
      });
      rows.push(row);
    }
    const made = element("table", "tbl dense");
    const thead = element("thead");
    const tbody = element("tbody");
    thead.append(head);
    tbody.append(...rows);
    made.append(element("caption", "", `${frame.symbol} ${frame.tf}, the ${rows.length} newest visible bars`), thead, tbody);
    find("charts-table").replaceChildren(made);
  }

  charts.toggleTable = function (button) {
    const shown = find("charts-table").hidden;
    find("charts-table").hidden = !shown;
    find("charts-canvas").hidden = shown;
    for (const one of document.querySelectorAll('[data-charts="table"]')) one.setAttribute("aria-pressed", String(shown));
    if (shown) write();
    if (button) button.focus();
  };
})();
