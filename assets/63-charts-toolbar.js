/* What is clicked on the Charts page. Elements say what they do in `data-charts`. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page, find, close } = charts;
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";

  const actions = {
    ...charts.indicatorActions,
    ...charts.menuActions,
    tf: (button) => charts.ask({ tf: button.dataset.value }),
    search: () => charts.search(),
    market: (item) => charts.takeMarket(item.dataset.value),
    log: (button) => charts.ask({ scale: pressed(button) ? null : "log", cmp: null }),
    pct: (button) => charts.ask({ scale: pressed(button) ? null : "pct", cmp: null }),
    draw: (button) => charts.drawMenu(button),
    table: charts.toggleTable,
    image: charts.picture,
    full: charts.fullScreen,
    reset: charts.reset,
    close: () => close(),
  };

  document.addEventListener("click", (event) => {
    if (!find("charts-page") || !page.view || !event.target.isConnected) return;
    const button = event.target.closest("[data-charts]");
    if (button && actions[button.dataset.charts]) return void actions[button.dataset.charts](button);
    const chart = event.target.closest("#charts-chart");
    if (chart && page.busy > Date.now()) return; // the end of a press that drew something
    if (!event.target.closest(".charts-float") && !(chart && !find("charts-note").hidden)) close(false);
  });
})();
