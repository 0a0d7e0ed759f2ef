/* Drawing on the chart: tools, choosing, moving; by mouse, finger and keyboard. `charts.kept.drawings` is what there is. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page, kept, shapes } = charts;
  const { KINDS } = shapes;
  const REACH = 7; // px from a drawing that still mean it
  const MOVED = 5; // px after which a press is a drag
  const STEP = 10; // px an arrow key moves the point of a tool
  const COLOURS = 8;
  const find = (id) => document.getElementById(id);
  // tool: its kind; points: those set; cursor: the next one on screen; drag: what a press moves
  const state = { tool: null, points: [], cursor: null, chosen: null, drag: null, size: null, pointer: null };

  const mine = () => (page.frame && kept.market === page.frame.market ? kept.drawings : []);
  const chosen = () => mine().find((one) => one.key === state.chosen) || null;
  const repaint = () => charts.repaint("price", "drawings");

  function key() {
    return [...crypto.getRandomValues(new Uint8Array(10))].map((n) => n.toString(16).padStart(2, "0")).join("");
  }

  /* ---- painting ----------------------------------------------------------------------------------------------------- */
  charts.paintDrawings = function (context, size) {
    const places = charts.places();
    state.size = size;
    if (!places || !page.frame) return;
    const colour = charts.colours();
    for (const drawing of mine()) shapes.paint(context, drawing, { places, size, chosen: drawing.key === state.chosen, colour });
    if (!state.tool || !state.cursor) return;
    const points = [...state.points, anchor(state.cursor, places)];
    const draft = { kind: state.tool, points, colour: charts.nextColour(), text: KINDS[state.tool].name };
    if (points.length === KINDS[state.tool].anchors) shapes.paint(context, draft, { places, size, chosen: true, colour });
    cross(context, state.cursor, colour("chart-cross"));
  };

  function cross(context, { x, y }, hue) {
    context.strokeStyle = hue;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x - 8, y);
    context.lineTo(x + 8, y);
    context.moveTo(x, y - 8);
    context.lineTo(x, y + 8);
    context.stroke();
  }

  /* A place on the screen as time and price; times fall on bars, so that they mean the same on every timeframe. */
  function anchor(at, places) {
    const step = page.columns.times.step;
    const slot = Math.round((places.ms(at.x) - page.columns.times.first) / step);
    const price = places.price(at.y);
    return [page.columns.times.first + slot * step, Number(price.toPrecision(12))];
  }

  charts.nextColour = () => (kept.settings.colour || (mine().length % COLOURS) + 1);

  /* ---- keeping ------------------------------------------------------------------------------------------------------ */
  function keep(drawing) {
    const place = kept.drawings.findIndex((one) => one.key === drawing.key);
    if (place >= 0) kept.drawings[place] = drawing;
    else kept.drawings.push(drawing);
    charts.send({ op: "draw", market: page.frame.market, drawing });
    charts.redrawn();
  }

  function choose(name) {
    state.chosen = name;
    charts.redrawn();
  }

  charts.redrawn = function () {
    if (state.chosen && !chosen()) state.chosen = null;
    repaint();
    charts.drawingBar(chosen(), state);
  };

  /* ---- tools -------------------------------------------------------------------------------------------------------- */
  function middle() {
    return { x: state.size.width / 2, y: state.size.height / 2 };
  }

  function arm(kind, byKeyboard = false) {
    if (!charts.places() || !state.size) return;
    Object.assign(state, { tool: kind, points: [], chosen: null, drag: null, cursor: byKeyboard ? state.pointer || middle() : state.pointer });
    find("charts-canvas").classList.add("is-drawing");
    charts.redrawn();
  }

  function disarm() {
    const was = state.tool;
    Object.assign(state, { tool: null, points: [], cursor: null });
    find("charts-canvas").classList.remove("is-drawing");
    release();
    charts.redrawn();
    return Boolean(was);
  }

  function finish(points) {
    const drawing = { key: key(), kind: state.tool, points, colour: charts.nextColour(), text: "" };
    disarm();
    if (drawing.kind === "note") return void setTimeout(() => charts.writeNote(drawing, keep), 0); // once the press has the focus
    keep(drawing);
    return choose(drawing.key);
  }

  function set(at) {
    state.points.push(anchor(at, charts.places()));
    if (state.points.length === KINDS[state.tool].anchors) return finish(state.points);
    return charts.redrawn();
  }

  /* A level or vertical line at the crosshair, at the newest close where there is none. */
  function drop(kind) {
    const places = charts.places();
    if (!places || !state.size) return;
    const last = page.columns.close.length - 1;
    const at = state.pointer || { x: state.size.width / 2, y: places.y(page.columns.close[last]) };
    arm(kind);
    set(at);
  }

  /* ---- mouse and finger --------------------------------------------------------------------------------------------- */
  const FREE = { handleScroll: { mouseWheel: true, pressedMouseMove: true, horzTouchDrag: true, vertTouchDrag: false }, handleScale: true };

  function hold() {
    if (charts.native()) charts.native().applyOptions({ handleScroll: false, handleScale: false });
    page.held = true;
  }

  function release() {
    if (page.held && charts.native()) charts.native().applyOptions(FREE);
    page.held = false;
  }

  /* A place in the price pane, or null. */
  function placeOf(event) {
    const holder = find("charts-chart");
    if (!holder || !state.size || !holder.contains(event.target)) return null;
    const box = holder.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    return at.x <= state.size.width && at.y <= state.size.height ? at : null;
  }

  function under(at) {
    const env = { places: charts.places(), size: state.size };
    let best = null;
    for (const drawing of mine()) {
      const { anchor: which, distance } = shapes.hit(drawing, at, env);
      if (distance <= REACH && (!best || distance <= best.distance)) best = { drawing, which, distance };
    }
    return best;
  }

  document.addEventListener("pointerdown", (event) => {
    const at = placeOf(event);
    if (!at || event.button > 0 || !page.frame || !charts.places()) return;
    if (state.tool) {
      hold();
      Object.assign(state, { cursor: at, drag: { from: at, tool: true } });
      page.busy = Date.now() + 600;
      return void set(at);
    }
    const hit = under(at);
    if (!hit) return void (state.chosen && choose(null));
    hold();
    page.busy = Date.now() + 600;
    state.drag = { from: at, which: hit.which, points: hit.drawing.points.map((one) => [...one]), moved: false };
    choose(hit.drawing.key);
  }, true);

  document.addEventListener("pointermove", (event) => {
    const at = placeOf(event);
    if (!state.drag || state.drag.tool) state.pointer = at;
    if (!at || !page.frame || !charts.places()) return;
    if (state.tool) {
      state.cursor = at;
      return void repaint();
    }
    if (state.drag) return void move(at);
    if (event.pointerType === "mouse" && !event.buttons) find("charts-canvas").classList.toggle("is-over", Boolean(under(at)));
  }, true);

  /* The anchor under the pointer, or the whole drawing by as many bars and as much of the screen's height. */
  function move(at) {
    const drawing = chosen();
    const { drag } = state;
    if (!drawing || (!drag.moved && Math.hypot(at.x - drag.from.x, at.y - drag.from.y) < MOVED)) return;
    const places = charts.places();
    drag.moved = true;
    page.busy = Date.now() + 600;
    const shifted = drag.points.map(([ms, price]) => anchor({ x: places.x(ms) + at.x - drag.from.x, y: places.y(price) + at.y - drag.from.y }, places));
    drawing.points = drag.which < 0 ? shifted : drag.points.map((one, n) => (n === drag.which ? shifted[n] : one));
    repaint();
  }

  function letGo(event) {
    const { drag } = state;
    if (!drag) return;
    state.drag = null;
    const at = placeOf(event);
    if (drag.tool) {
      const far = at && Math.hypot(at.x - drag.from.x, at.y - drag.from.y) >= MOVED;
      if (state.tool && state.points.length && far) set(at); // pressed at one end, let go at the other
      return void release();
    }
    release();
    if (drag.moved && chosen()) keep({ ...chosen() });
  }
  document.addEventListener("pointerup", letGo, true);
  document.addEventListener("pointercancel", letGo, true);

  /* ---- keyboard ------------------------------------------------------------------------------------------------------ */
  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function nudge([dx, dy]) {
    const drawing = chosen();
    const places = charts.places();
    const { step } = page.columns.times;
    const points = drawing.points.map(([ms, price]) => [ms + dx * step, dy ? Number(places.price(places.y(price) + dy * 4).toPrecision(12)) : price]);
    keep({ ...drawing, points });
  }

  charts.drawKey = function (event) {
    if (!page.frame || !charts.places() || event.ctrlKey || event.metaKey || event.altKey) return false;
    const way = WAYS[event.key];
    if (state.tool && way) {
      const from = state.cursor || middle();
      state.cursor = { x: from.x + way[0] * STEP, y: from.y + way[1] * STEP };
      repaint();
    } else if (state.tool && event.key === "Enter") set(state.cursor || middle());
    else if (event.key === "Escape") return state.tool ? disarm() : state.chosen ? (choose(null), true) : false;
    else if (state.chosen && way) nudge(way);
    else if (state.chosen && (event.key === "Delete" || event.key === "Backspace")) charts.erase([state.chosen]);
    else return false;
    return true;
  };

  Object.assign(charts, { arm, disarm, drop, choose, keepDrawing: keep, drawings: mine, chosenDrawing: chosen });
})();
