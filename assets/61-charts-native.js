/* The native chart behind the Dash component, and layers of our own on its canvas.

   dash-tvlwc has no property for coordinates or series primitives. React keeps the chart and its series in refs of the
   component around the element, and this file, the only one that knows, looks for them by what they can do. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const page = charts.page;
  const PARENTS = 6; // components looked through above the element
  const WIDE = 1000; // bars between two places whose distance tells the width of one
  let found = { node: null, chart: null, records: null };
  const layers = new WeakMap(); // native series -> Map(name -> layer)

  function refs(node) {
    const key = Object.keys(node).find((word) => word.startsWith("__reactFiber$"));
    const made = { node, chart: null, records: null };
    let fiber = key ? node[key] : null;
    for (let up = 0; fiber && up < PARENTS && !(made.chart && made.records); up += 1, fiber = fiber.return) {
      for (let hook = fiber.memoizedState; hook && typeof hook === "object" && "next" in hook; hook = hook.next) {
        const value = hook.memoizedState && typeof hook.memoizedState === "object" ? hook.memoizedState.current : null;
        if (value && typeof value.timeScale === "function") made.chart = value;
        else if (value instanceof Map && [...value.values()].every((one) => one.api)) made.records = value;
      }
    }
    return made;
  }

  function look() {
    const node = document.getElementById("charts-chart");
    if (!node) return null;
    if (found.node !== node || !found.chart || !found.records) found = refs(node);
    return found.chart && found.records ? found : null;
  }

  const native = () => (look() ? found.chart : null);
  const series = (id) => (look() && found.records.has(id) ? found.records.get(id).api : null);

  /* ---- places on the screen ------------------------------------------------------------------------------------------ */
  /* Every step of the axis is one slot wide, so that time and pixels are proportional, also right of the newest bar. */
  function scale() {
    const chart = native();
    if (!chart || !page.columns) return null;
    const axis = chart.timeScale();
    const { times } = page.columns;
    const start = axis.logicalToCoordinate(0);
    const width = (axis.logicalToCoordinate(WIDE) - start) / WIDE;
    if (start === null || !width) return null;
    return {
      bar: width,
      x: (ms) => start + ((ms - times.first) / times.step) * width,
      ms: (x) => times.first + ((x - start) / width) * times.step,
    };
  }

  /* From ms and prices to pixels of the price pane and back; null while there is no chart. */
  function places() {
    const across = scale();
    const prices = series("price");
    if (!across || !prices) return null;
    return { ...across, y: (price) => prices.priceToCoordinate(price), price: (y) => prices.coordinateToPrice(y) };
  }

  /* ---- what happens on it ------------------------------------------------------------------------------------------------ */
  const heard = new WeakSet();

  /* The newest of many events, once a frame. */
  function perFrame(run) {
    let newest = null;
    return (event) => {
      if (newest === null) requestAnimationFrame(() => {
        const { event: last } = newest;
        newest = null;
        run(last);
      });
      newest = { event };
    };
  }

  /* Range and crosshair straight from the chart: told by the component, each step of a drag would wake all of Dash. */
  function hear(moved, pointed) {
    const chart = native();
    if (!chart || heard.has(chart)) return;
    heard.add(chart);
    chart.timeScale().subscribeVisibleLogicalRangeChange(perFrame(moved));
    chart.subscribeCrosshairMove(perFrame(pointed));
  }

  /* ---- layers ---------------------------------------------------------------------------------------------------------- */
  function layer(order, paint) {
    let update = null;
    const made = {
      paint,
      refresh: () => update && update(),
      attached: ({ requestUpdate }) => (update = requestUpdate),
      detached: () => (update = null),
      updateAllViews() {},
      paneViews: () => [view],
    };
    const renderer = {
      draw: (target) => target.useMediaCoordinateSpace(({ context, mediaSize }) => {
        context.save();
        made.paint(context, mediaSize);
        context.restore();
      }),
    };
    const view = { zOrder: () => order, renderer: () => renderer };
    return made;
  }

  /* Paint on the canvas of a series whenever it is drawn; `paint(context, {width, height})`. A name is given once. */
  function paintOn(id, name, order, paint) {
    const api = series(id);
    if (!api) return false;
    if (!layers.has(api)) layers.set(api, new Map());
    const own = layers.get(api);
    if (own.has(name)) own.get(name).paint = paint;
    else {
      own.set(name, layer(order, paint));
      api.attachPrimitive(own.get(name));
    }
    own.get(name).refresh();
    return true;
  }

  /* Take layers of a series away. */
  function unpaint(id, unwanted) {
    const api = series(id);
    for (const [name, own] of (api && layers.get(api)) || []) {
      if (!unwanted(name)) continue;
      api.detachPrimitive(own);
      layers.get(api).delete(name);
    }
  }

  function repaint(id, name) {
    const api = series(id);
    const own = api && layers.get(api);
    if (own && own.has(name)) own.get(name).refresh();
  }

  Object.assign(charts, { native, nativeSeries: series, hear, places, scale, paintOn, unpaint, repaint });
})();
