/* A click on a candle asks the server where it came from; the answer stands beside it. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page, find } = charts;
  const NEAR = 6; // px above and below a candle that still mean it

  charts.clicked = function (click) {
    if (!page.frame || !click.point || click.logical === null || click.paneIndex || page.busy > Date.now()) return;
    const { columns: cols, frame } = page;
    const slot = Math.round(click.logical);
    const k = cols.times.at.indexOf(slot);
    const places = charts.places();
    if (!places || slot < 0 || slot >= cols.times.slots) return;
    const { y } = click.point;
    const on = k >= 0 && y > places.y(cols.high[k]) - NEAR && y < places.y(cols.low[k]) + NEAR;
    if (on || k < 0) tell(slot, click.point, frame);
  };

  function tell(slot, point, frame) {
    const time = Math.round(charts.slotMs(page.columns.times, slot));
    const box = find("charts-chart").getBoundingClientRect();
    charts.set("charts-asked", { data: { market: frame.stream || frame.market, tf: frame.tf, time, step: page.columns.times.step, at: Date.now() } });
    find("charts-candle").replaceChildren(); // what was told of another one
    charts.open("charts-note", null, { left: box.left + point.x + 14, bottom: box.top + Math.max(0, point.y - 90) });
  }

  /* By keyboard: the candle under the crosshair, else the newest in view. */
  charts.askAboutCandle = function () {
    if (!page.frame) return;
    const { columns: cols, logical } = page;
    let k = page.pointed === null ? cols.close.length - 1 : page.pointed;
    while (page.pointed === null && k > 0 && cols.times.at[k] > logical.to) k -= 1;
    const places = charts.places();
    if (k >= 0 && places) tell(cols.times.at[k], { x: places.x(charts.slotMs(cols.times, cols.times.at[k])), y: places.y(cols.close[k]) }, page.frame);
  };
})();
