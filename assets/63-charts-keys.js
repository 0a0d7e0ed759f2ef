/* Keys of the Charts page. The sheet that `?` opens lists them (layouts/components/chart_toolbar.py). */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page, find, element, field, open, close } = charts;
  let sequence = 0; // when `g` was pressed: the next letter belongs to the shell

  const keys = {
    ArrowLeft: () => charts.pan(-0.1),
    ArrowRight: () => charts.pan(0.1),
    "+": () => charts.zoom(0.8),
    "=": () => charts.zoom(0.8),
    "-": () => charts.zoom(1.25),
  };
  const withAlt = {
    KeyR: charts.reset,
    KeyG: () => charts.menuActions.date(null),
    KeyS: () => charts.picture(),
    KeyT: () => charts.arm("trend", true),
    KeyF: () => charts.arm("fib", true),
    KeyN: () => charts.arm("note", true),
    KeyH: () => charts.drop("level"),
    KeyV: () => charts.drop("moment"),
    KeyI: () => charts.askAboutCandle(),
    Enter: charts.fullScreen,
  };

  /* Minutes as digits, or a timeframe's own name: 15, 60, 4h, 1d. */
  function timeframe(text) {
    const minutes = { 1: "1m", 5: "5m", 15: "15m", 60: "1h", 240: "4h", 1440: "1d", 10080: "1w" };
    const name = minutes[text] || text.toLowerCase();
    return charts.TIMEFRAMES.includes(name) ? name : null;
  }

  function type(text) {
    const wanted = Object.assign(field("charts-typed-text", { maxlength: "5" }), { value: text });
    const label = element("label", "form-label", "Timeframe");
    label.append(wanted);
    const hint = element("div", "form-text", `${charts.TIMEFRAMES.join(", ")}, or minutes; then Enter`);
    hint.setAttribute("role", "status");
    open("charts-typed", null).replaceChildren(label, hint);
    wanted.focus();
  }

  function typed(event) {
    if (event.key !== "Enter") return false;
    const name = timeframe(event.target.value.trim());
    if (name) {
      close();
      charts.ask({ tf: name });
    } else {
      const hint = find("charts-typed").querySelector(".form-text");
      hint.textContent = `There is no ${event.target.value}. Choose one of ${charts.TIMEFRAMES.join(", ")}.`;
    }
    return true;
  }

  /* Letters and digits alone can be switched off in the sheet; keys with Alt and those of a tool in hand stay. */
  const singles = () => document.documentElement.dataset.keys !== "off";

  function command(event) {
    if (event.altKey && !event.ctrlKey && withAlt[event.code]) withAlt[event.code]();
    else if ((event.ctrlKey || event.metaKey) && event.code === "KeyZ") return charts.undo();
    else if (event.altKey || event.ctrlKey || event.metaKey) return false;
    else if (charts.drawKey(event)) return true;
    else if (!singles()) return false;
    else if (keys[event.key]) keys[event.key]();
    else if (/^[0-9]$/.test(event.key)) type(event.key);
    else if (event.key === ",") type("");
    else if (/^[a-z]$/i.test(event.key) && !event.shiftKey && Date.now() - sequence > 1200) {
      if (event.key === "g") return void (sequence = Date.now());
      charts.search(event.key === "b" ? "" : event.key);
    } else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (!find("charts-page") || !page.view || event.defaultPrevented) return;
    if (event.key === "Escape" && close()) return void event.preventDefault();
    const list = event.target.closest(".charts-float.list");
    let done = false;
    if (list && event.key === "ArrowDown") done = charts.walk(1);
    else if (list && event.key === "ArrowUp") done = charts.walk(-1);
    else if (event.target.id === "charts-search-text") done = charts.searchKey(event);
    else if (event.target.id === "charts-typed-text") done = typed(event);
    else if (event.target.id === "charts-menu-text" && event.key === "Enter") {
      charts.addFirst();
      done = true;
    } else if (!event.target.closest("input, textarea, select, [contenteditable], dialog[open], [role=menu], .charts-float")) {
      const onButton = event.target.closest("button, a, summary") && ["Enter", " "].includes(event.key) && !event.altKey;
      done = !onButton && command(event);
    }
    if (done) event.preventDefault();
  });
})();
