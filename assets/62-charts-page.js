/* The Charts page: what is asked for stands in the address, and every control only changes what is asked for.

   `charts-view` holds market, timeframe, indicators and span; the server answers with a frame. Pan and zoom ask for
   more candles through `charts-wanted` once the view nears the edge of what is loaded. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const page = charts.page;
  const client = (window.dash_clientside = window.dash_clientside || {});
  const CHART = "charts-chart";
  const ROOM = 6; // empty bars right of the newest one
  const BARS = { most: 500, least: 40, px: 2.4, first: 6.4 }; // visible at once; px a bar has at least, and at first
  const TIMEFRAMES = ["1m", "5m", "15m", "1h", "4h", "1d", "1w"];

  const find = (id) => document.getElementById(id);
  const set = (id, props) => client.set_props(id, props);
  const width = () => Math.max(200, (find(CHART) ? find(CHART).clientWidth : 1000) - 70);
  const key = (view) => `${view.market}@${view.tf}`;
  const indicators = () => (page.view.ind ? page.view.ind.split(",") : []);

  /* ---- the address is the state ----------------------------------------------------------------------------------- */
  const stamp = (ms) => new Date(Math.round(ms / 60000) * 60000).toISOString().slice(0, 16);

  function address(view, span) {
    const parts = [`tf=${view.tf}`];
    if (span.from) parts.push(`from=${span.from}`);
    if (span.to) parts.push(`to=${span.to}`);
    parts.push(`ind=${view.ind}`);
    if (view.type && view.type !== "candles") parts.push(`type=${view.type}`);
    if (view.scale) parts.push(`scale=${view.scale}`);
    if (view.cmp) parts.push(`cmp=${view.cmp}`);
    if (view.calls === "off") parts.push("calls=off");
    return `/charts/${view.market}?${parts.join("&")}`;
  }

  function parse(location) {
    const [, , exchange, symbol] = location.pathname.split("/");
    const query = new URLSearchParams(location.search);
    const view = { market: exchange && symbol ? `${exchange}/${decodeURIComponent(symbol)}` : null };
    for (const word of ["tf", "ind", "type", "scale", "cmp", "calls", "from", "to"]) view[word] = query.get(word);
    return view;
  }

  /* What is visible, in ms; `to` is open where the newest candle shows, so that the link goes on living. */
  function visible() {
    if (!page.frame || !page.logical) return { from: null, to: null };
    const { times } = page.columns;
    const first = opening(times);
    const near = (a, b) => Math.abs(a - b) < 2;
    if (page.frame.complete && near(first.from, page.logical.from) && near(first.to, page.logical.to)) {
      return { from: null, to: null };
    }
    const atEnd = page.logical.to >= times.slots - 1 && page.frame.complete;
    return {
      from: stamp(charts.slotMs(times, page.logical.from)),
      to: atEnd ? null : stamp(charts.slotMs(times, page.logical.to)),
    };
  }

  function ask(changes, { keep = true, record = true, span: given = null } = {}) {
    const span = given || (keep ? visible() : { from: null, to: null });
    if (keep && changes.tf) span.from = null; // another timeframe keeps the right edge and shows as many bars
    const view = { ...page.view, from: span.from, to: span.to, ...changes, keep, seq: (page.view.seq || 0) + 1 };
    if (record && view.market) history.pushState(null, "", address(view, span));
    if (["ind", "type", "scale", "tf"].some((word) => word in changes)) remember(view);
    set("charts-view", { data: view });
  }

  /* The next chart that is opened without a word about its looks has those of this one. */
  function remember({ ind, type, scale, tf }) {
    clearTimeout(remembering);
    remembering = setTimeout(() => charts.settle({ last: { ind, type, scale, tf } }), 700);
  }
  let remembering = null;

  function noteSpan() {
    if (!page.frame || page.frame.key !== key(page.view) || !find(CHART)) return;
    history.replaceState(history.state, "", address(page.view, visible()));
  }

  window.addEventListener("popstate", () => {
    const here = location.pathname === "/charts" || location.pathname.startsWith("/charts/");
    if (!here || !find(CHART) || !page.view) return;
    const view = parse(location);
    const filled = { ...page.opening, ...Object.fromEntries(Object.entries(view).filter(([, v]) => v !== null)) };
    const { type, scale, cmp, calls, from, to } = view;
    set("charts-view", { data: { ...filled, type, scale, cmp, calls, from, to, seq: (page.view.seq || 0) + 1 } });
  });

  /* ---- frames ------------------------------------------------------------------------------------------------------- */
  function opening(times) {
    const shown = Math.max(BARS.least, Math.min(160, Math.round(width() / BARS.first)));
    const later = page.columns ? Math.max(0, ...page.columns.ahead.map((values) => values.length)) : 0;
    const wide = width() > 600;
    const room = page.frame ? Math.max(charts.callBars(page.frame, times), Math.min(later - ROOM, wide ? 60 : 12), 0) : 0;
    return { from: times.slots - shown + room, to: times.slots - 1 + ROOM + room };
  }

  function place(before, frame, times) {
    if (before && before.frame.key === frame.key && page.logical && (before.seq === page.view.seq || page.view.keep)) {
      const old = before.columns.times;
      const moved = (slot) => (charts.slotMs(old, slot) - times.first) / times.step;
      const range = { from: moved(page.logical.from), to: moved(page.logical.to) };
      if (before.frame.complete && frame.complete && page.logical.to >= old.slots - 1 && old.step === times.step) {
        const grown = (charts.slotMs(times, times.slots) - charts.slotMs(old, old.slots)) / times.step;
        return { from: range.from + grown, to: range.to + grown }; // following the newest candle
      }
      return range;
    }
    if (!frame.range) return opening(times);
    const slots = frame.range.map((ms) => (ms === null ? null : (ms - times.first) / times.step));
    const size = opening(times).to - opening(times).from;
    const to = slots[1] === null ? opening(times).to : slots[1];
    return { from: slots[0] === null ? to - size : slots[0], to };
  }

  /* The component takes over a range only if it is a new one, also where the chart has moved since; a hair's breadth. */
  function nudged(range) {
    page.nudge = (page.nudge + 1) % 1000;
    return { from: range.from + page.nudge * 1e-7, to: range.to };
  }

  function show(range) {
    page.logical = nudged(range);
    set(CHART, { visibleLogicalRange: page.logical }); // after a frame that is still on its way into the chart
  }

  function waiting(on) {
    if (find("charts-canvas")) find("charts-canvas").classList.toggle("is-waiting", on);
  }

  function need() {
    const { frame, columns, logical } = page;
    if (!frame || !logical || frame.key !== key(page.view)) return false;
    const { times } = columns;
    const size = logical.to - logical.from;
    const left = logical.from < size * 0.3 && times.first > frame.first_ms;
    const right = logical.to > times.slots - size * 0.3 && !frame.complete;
    const finer = times.step > frame.tf_ms && size < most() / 3;
    const coarser = size > most() * 1.5;
    return left || right || finer || coarser;
  }

  const most = () => Math.round(Math.min(BARS.most, width() / BARS.px));

  function want() {
    if (!need()) return;
    const { times } = page.columns;
    const wanted = {
      of: page.view.seq || 0, bars: most(),
      from: Math.round(charts.slotMs(times, page.logical.from)), to: Math.round(charts.slotMs(times, page.logical.to)),
    };
    if (JSON.stringify(wanted) !== JSON.stringify(page.wanted)) set("charts-wanted", { data: (page.wanted = wanted) });
  }

  /* The page's own keys join the sheet of shortcuts. */
  function listKeys() {
    const sheet = document.querySelector("#shortcuts .shortcuts");
    const rows = document.querySelectorAll("#charts-page .page-keys .shortcut");
    if (!sheet || sheet.querySelector(".page-own")) return;
    sheet.append(...[...rows].map((row) => row.cloneNode(true)));
  }

  let settle = null;
  let write = null;

  /* Each frame of a drag comes here: what reads more than the legend waits until it rests. */
  function moved(logical) {
    if (!logical || !page.frame) return;
    page.logical = logical;
    if (page.pointed === null) charts.legend(null);
    clearTimeout(settle);
    settle = setTimeout(rested, 150);
    clearTimeout(write);
    write = setTimeout(noteSpan, 500);
  }

  function rested() {
    want();
    charts.table();
  }

  function hover(crosshair) {
    if (!page.frame) return;
    const bar = crosshair && crosshair.time ? page.columns.times : null;
    page.pointed = null;
    if (!bar) return void charts.legend(null);
    const slot = Math.round((crosshair.time * 1000 - bar.first) / bar.step);
    const index = bar.at.indexOf(slot);
    if (index >= 0) page.pointed = index;
    if (index < 0 && slot >= 0 && slot < bar.slots) charts.legendOfGap(slot);
    else charts.legend(page.pointed);
  }

  function seen(frame, before) {
    set("charts-seen", { data: { key: frame.key, end: frame.end, complete: frame.complete, stream: frame.stream } });
    if (!before || before.key !== frame.key) document.title = `${frame.symbol} ${frame.tf} \u00b7 Bolt`;
  }

  client.charts = {
    /* A view: the first one of a page that was opened, or one of ours. */
    opened(view) {
      if (!view) return "";
      if (!view.seq) listKeys();
      if (!view.seq) Object.assign(page, { frame: null, columns: null, logical: null, wanted: null, opening: view });
      page.view = { ...view };
      if (!view.seq) charts.reopened();
      waiting(true);
      return String(view.seq || 0);
    },

    render(frame) {
      if (!frame || !page.view || frame.seq !== (page.view.seq || 0)) return client.no_update;
      const before = page.frame && { frame: page.frame, columns: page.columns, seq: page.drawn };
      const looks = { market: frame.market, tf: frame.tf, ind: frame.ind, type: frame.type, scale: frame.asked_scale, cmp: frame.cmp_asked };
      page.view = { ...page.view, ...looks, calls: frame.calls ? null : "off" };
      if (!page.view.seq) page.opening = { ...page.opening, ...looks };
      page.columns = charts.unpackFrame(frame);
      page.frame = frame;
      page.logical = nudged(place(before, frame, page.columns.times));
      page.drawn = page.view.seq;
      page.pointed = null;
      seen(frame, before && before.frame);
      clearTimeout(settle);
      settle = setTimeout(want, 200);
      waiting(false);
      charts.draw();
      charts.visited(frame.market);
      charts.table();
      return `${frame.key} ${frame.seq}`;
    },

    reset(click) {
      if (click && !(page.busy > Date.now())) reset();
    },

    known(markets) {
      page.markets = markets || [];
    },

    clicked(click) {
      if (click) charts.clicked(click);
    },

    kept(told) {
      charts.take(told);
    },

    answered(told) {
      charts.take(told);
    },
  };

  new MutationObserver(() => {
    if (find(CHART) && page.frame) charts.draw(); // another theme, other colours
  }).observe(document.documentElement, { attributeFilter: ["data-bs-theme", "data-updown"] });

  /* ---- moving ------------------------------------------------------------------------------------------------------- */
  function fit() {
    for (let pane = 0; charts.native() && pane < charts.native().panes().length; pane += 1) {
      charts.native().priceScale("right", pane).applyOptions({ autoScale: true });
    }
  }

  function reset() {
    if (!page.frame) return;
    fit();
    if (page.frame.complete && page.columns.times.step === page.frame.tf_ms) show(opening(page.columns.times));
    else ask({ from: null, to: null }, { keep: false });
  }

  function pan(share) {
    if (!page.logical) return;
    const step = (page.logical.to - page.logical.from) * share;
    show({ from: page.logical.from + step, to: page.logical.to + step });
  }

  function zoom(factor) {
    if (!page.logical) return;
    const size = (page.logical.to - page.logical.from) * factor;
    if (size > 8) show({ from: page.logical.to - size, to: page.logical.to });
  }

  /* So many bars around a moment; the span stands in the address like any other. */
  function goTo(ms) {
    if (!page.logical) return;
    const half = ((page.logical.to - page.logical.from) / 2) * page.frame.tf_ms;
    const asked = { from: stamp(ms - half), to: stamp(ms + half) };
    ask(asked, { keep: false, span: asked });
  }

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else find("charts-pane").requestFullscreen();
  }

  Object.assign(charts, { ask, indicators, reset, fit, goTo, pan, zoom, fullScreen, set, moved, hover, TIMEFRAMES });
})();
