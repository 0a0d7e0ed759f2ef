/* The menus of the toolbar: chart type, timeframes with favourites, compare, layouts, and everything in one list. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page, kept, find } = charts;
  const TYPES = { candles: "Candles", hollow: "Hollow candles", ha: "Heikin-Ashi", bars: "Bars", line: "Line", area: "Area" };
  const STANDARD = "ema:20,ema:50,rsi:14"; // what Bolt shows by itself

  /* A toast of the shell. */
  charts.say = (title, text = "") => charts.set("shell-toast", { data: { title, text, kind: "ok", at: Date.now() } });

  function types(from) {
    const now = page.frame ? page.frame.type : "candles";
    charts.menu(from, "Chart type", [{
      items: Object.entries(TYPES).map(([type, label]) => ({ label, pressed: type === now, run: () => charts.ask({ type }) })),
    }]);
  }

  /* ---- timeframes ----------------------------------------------------------------------------------------------------- */
  function star(name, from) {
    const before = kept.settings.favourites || [];
    const favourites = before.includes(name) ? before.filter((one) => one !== name) : [...before, name];
    charts.settle({ favourites });
    favour();
    timeframes(from);
  }

  /* The toolbar shows favourites, and the one in use; all of them where there are none. */
  function favour() {
    const group = document.querySelector("#charts-toolbar .timeframes");
    if (!group || !page.frame) return;
    const favourites = kept.settings.favourites || [];
    const shown = charts.TIMEFRAMES.filter((name) => !favourites.length || favourites.includes(name) || name === page.frame.tf);
    const possible = group.dataset.possible.split(",");
    group.replaceChildren(...shown.map((name) => {
      const made = charts.button(name, "", () => {});
      Object.assign(made.dataset, { charts: "tf", value: name });
      made.setAttribute("aria-pressed", String(name === page.frame.tf));
      made.disabled = !possible.includes(name);
      return made;
    }), group.lastElementChild);
  }

  function timeframes(from) {
    const group = document.querySelector("#charts-toolbar .timeframes");
    const possible = group ? group.dataset.possible.split(",") : [];
    const favourites = kept.settings.favourites || [];
    const opener = from && from.isConnected ? from : document.querySelector('[data-charts="timeframes"]');
    charts.menu(opener, "Timeframes", [{
      items: charts.TIMEFRAMES.map((tf) => ({
        label: tf, pressed: page.frame && page.frame.tf === tf, disabled: !possible.includes(tf), run: () => charts.ask({ tf }),
        end: {
          label: `${tf} is a favourite`, icon: favourites.includes(tf) ? "star-fill" : "star",
          pressed: favourites.includes(tf), run: () => star(tf, opener),
        },
      })),
    }]);
  }

  /* ---- compare ----------------------------------------------------------------------------------------------------------- */
  function choose(from) {
    charts.search("", { from, without: page.frame.market, run: (cmp) => charts.ask({ cmp }) });
  }

  function compare(from) {
    if (!page.view.cmp) return choose(from);
    const name = page.frame.cmp ? page.frame.cmp.symbol : page.view.cmp;
    return charts.menu(from, "Compare", [{
      items: [
        { label: "Compare with another market", run: () => choose(document.querySelector('[data-charts="compare"]')) },
        { label: `Take ${name} away`, run: () => charts.ask({ cmp: null }) },
      ],
    }]);
  }

  /* ---- layouts ------------------------------------------------------------------------------------------------------------ */
  const looks = () => ({ ind: page.view.ind, type: page.view.type || null, scale: page.view.scale || null, tf: page.view.tf });
  const show = ({ ind, type, scale, tf }) => charts.ask({ ind: ind || "", type: type || null, scale: scale || null, ...(tf ? { tf } : {}) });

  function save(from) {
    const field = { name: "name", label: "Name", maxlength: 60, required: true, hint: "Indicators, chart type, scale and timeframe" };
    charts.form(from, "Save layout", [field], "Save layout", ({ name }) => {
      const clean = name.trim().split(/\s+/).join(" ");
      if (!clean) return "Give the layout a name.";
      const standard = (kept.layouts.find((one) => one.name === clean) || {}).standard || false;
      kept.layouts = [...kept.layouts.filter((one) => one.name !== clean), { name: clean, content: looks(), standard }];
      charts.send({ op: "layout", name: clean, content: looks() });
      charts.say(`Layout \u201c${clean}\u201d saved`);
      return undefined;
    });
  }

  function standard(name) {
    kept.layouts = kept.layouts.map((one) => ({ ...one, standard: one.name === name }));
    charts.send({ op: "standard", name: name || "" });
  }

  function of(layout, from) {
    const { name, content } = layout;
    charts.menu(from, name, [{ title: name, items: [
      { label: "Show it", run: () => show(content) },
      { label: "Save the chart as it is under this name", run: () => charts.send({ op: "layout", name, content: looks() }) },
      { label: "Reset goes here", pressed: layout.standard, run: () => standard(layout.standard ? null : name) },
      { label: "Delete layout", run: () => {
        kept.layouts = kept.layouts.filter((one) => one.name !== name);
        charts.send({ op: "drop-layout", name });
      } },
    ] }]);
  }

  function reset() {
    const own = kept.layouts.find((one) => one.standard);
    show(own ? own.content : { ind: STANDARD });
  }

  function layouts(from) {
    const items = kept.layouts.map((one) => ({
      label: one.name, hint: one.standard ? "reset goes here" : "", run: () => show(one.content),
      end: { label: `More about ${one.name}`, icon: "three-dots", run: () => of(one, from) },
    }));
    charts.menu(from, "Layouts", [
      ...(items.length ? [{ title: "Your layouts", items }] : []),
      { items: [{ label: "Save layout", run: () => save(from) }, { label: "Reset layout", run: reset }] },
    ]);
  }

  /* ---- everything --------------------------------------------------------------------------------------------------------- */
  function share() {
    const link = location.href;
    if (navigator.clipboard) navigator.clipboard.writeText(link).then(() => charts.say("Link copied", "It opens this chart as you see it."));
    else charts.form(null, "Link to this chart", [{ name: "link", label: "Copy it from here", value: link, readonly: true }], "Close", () => {});
  }

  function date(from) {
    const { columns, logical } = page;
    const middle = charts.slotMs(columns.times, (logical.from + logical.to) / 2);
    const at = new Date(Math.min(middle, Date.now())).toISOString().slice(0, 16);
    charts.form(from, "Go to a date", [{ name: "at", label: "Date and time, UTC", type: "datetime-local", value: at, required: true }], "Go", ({ at: text }) => {
      const ms = Date.parse(`${text}Z`);
      if (!Number.isFinite(ms)) return "Write a date such as 2024-03-01 12:00.";
      if (ms < page.frame.first_ms) return `The first candle is of ${charts.moment(page.frame.first_ms, page.frame.tf_ms)}. Choose a later date.`;
      if (ms > Date.now()) return "There are no candles of the future. Choose an earlier date.";
      charts.goTo(ms);
      return undefined;
    });
  }

  function pastCalls() {
    const on = page.view.calls === "off";
    charts.settle({ calls: on });
    charts.ask({ calls: on ? null : "off" });
  }

  function more(from) {
    const scale = page.frame.scale;
    charts.menu(from, "Chart", [
      { title: "Show", items: [
        { label: "Chart type", hint: TYPES[page.frame.type], run: () => types(from) },
        { label: "Logarithmic scale", pressed: scale === "log", disabled: Boolean(page.view.cmp), run: () => charts.ask({ scale: scale === "log" ? null : "log" }) },
        { label: "Percent scale", pressed: scale === "pct", disabled: Boolean(page.view.cmp), run: () => charts.ask({ scale: scale === "pct" ? null : "pct" }) },
        { label: "Scale to what is visible", run: charts.fit },
        { label: "Past calls", pressed: page.view.calls !== "off", run: pastCalls },
        { label: "Compare", run: () => compare(from) },
        { label: "Draw", run: () => charts.drawMenu(from) },
        { label: "Layouts", run: () => layouts(from) },
        { label: "Table of candles", pressed: !find("charts-table").hidden, run: () => charts.toggleTable(from) },
      ] },
      { title: "Go", items: [
        { label: "Go to a date", hint: "Alt G", run: () => date(from) },
        { label: "Newest candles", hint: "Alt R", run: charts.reset },
        { label: "Copy link", run: share },
        { label: "Save image", hint: "Alt S", run: charts.picture },
        { label: "Full screen", hint: "Alt Enter", run: charts.fullScreen },
      ] },
    ]);
  }

  charts.menuActions = { types, timeframes, compare, layouts, more, date };
})();
