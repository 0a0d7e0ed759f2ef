/* Drawings as shapes: how each kind is painted, and how far a place on the screen is from it. No state. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { number, percent, moment } = charts;
  const FIBS = [0, 0.236, 0.382, 0.5, 0.618, 0.786, 1];
  const FONT = "11px ";

  /* kind -> its anchors, name, and what is asked of each */
  const KINDS = {
    trend: { anchors: 2, name: "Trend line" },
    ray: { anchors: 2, name: "Ray" },
    level: { anchors: 1, name: "Horizontal level" },
    moment: { anchors: 1, name: "Vertical line" },
    box: { anchors: 2, name: "Price range" },
    fib: { anchors: 2, name: "Fibonacci retracement" },
    note: { anchors: 1, name: "Note" },
  };

  function ends(drawing, places) {
    return drawing.points.map(([ms, price]) => ({ x: places.x(ms), y: places.y(price), ms, price }));
  }

  /* Where a ray through two points leaves the screen. */
  function far([a, b], size) {
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    if (!dx && !dy) return b;
    const reach = Math.max(dx ? (dx > 0 ? size.width - a.x : -a.x) / dx : 1, 1);
    const tall = dy ? Math.max((dy > 0 ? size.height - a.y : -a.y) / dy, 1) : Infinity;
    const t = dx ? reach : tall;
    return { x: a.x + t * dx, y: a.y + t * dy };
  }

  function line(context, a, b) {
    context.beginPath();
    context.moveTo(a.x, a.y);
    context.lineTo(b.x, b.y);
    context.stroke();
  }

  function words(context, text, x, y, env, align = "left") {
    context.font = FONT + env.font;
    context.textAlign = align;
    context.textBaseline = "middle";
    const width = context.measureText(text).width;
    const left = align === "right" ? x - width : x;
    context.fillStyle = charts.faded(env.ground, 0.82);
    context.fillRect(left - 3, y - 8, width + 6, 16);
    context.fillStyle = env.hue;
    context.fillText(text, x, y);
  }

  const levels = ([a, b]) => FIBS.map((share) => ({ share, price: b.price + (a.price - b.price) * share }));
  const told = (price) => number(price, charts.page.frame.decimals);

  const painters = {
    trend: (context, [a, b]) => line(context, a, b),
    ray: (context, pair, drawing, env) => line(context, pair[0], far(pair, env.size)),
    level: (context, [a], drawing, env) => {
      line(context, { x: 0, y: a.y }, { x: env.size.width, y: a.y });
      words(context, drawing.text ? `${drawing.text} ${told(a.price)}` : told(a.price), env.size.width - 6, a.y - 10, env, "right");
    },
    moment: (context, [a], drawing, env) => {
      line(context, { x: a.x, y: 0 }, { x: a.x, y: env.size.height });
      words(context, drawing.text || moment(a.ms, charts.page.frame.tf_ms), a.x + 6, env.size.height - 12, env);
    },
    box: (context, [a, b], drawing, env) => {
      context.fillStyle = charts.faded(env.hue, 0.1);
      context.fillRect(Math.min(a.x, b.x), Math.min(a.y, b.y), Math.abs(b.x - a.x), Math.abs(b.y - a.y));
      context.strokeRect(Math.min(a.x, b.x), Math.min(a.y, b.y), Math.abs(b.x - a.x), Math.abs(b.y - a.y));
      const bars = Math.round(Math.abs(b.ms - a.ms) / charts.page.frame.tf_ms);
      const moved = a.price ? percent((b.price / a.price - 1) * 100) : "";
      words(context, `${moved}, ${bars} ${bars === 1 ? "bar" : "bars"}`, Math.min(a.x, b.x) + 6, Math.min(a.y, b.y) - 10, env);
    },
    fib: (context, pair, drawing, env) => {
      const [left, right] = [Math.min(pair[0].x, pair[1].x), Math.max(pair[0].x, pair[1].x, Math.min(pair[0].x, pair[1].x) + 60)];
      context.save();
      context.setLineDash([3, 3]);
      line(context, pair[0], pair[1]);
      context.restore();
      let above = -Infinity; // the last label: those that would cover one another are left out
      for (const { share, price } of levels(pair)) {
        const y = env.places.y(price);
        if (y === null) continue;
        line(context, { x: left, y }, { x: right, y });
        if (Math.abs(y - above) < 15 && share < 1) continue;
        above = y;
        words(context, `${number(share * 100, 1)}% ${told(price)}`, left + 4, y - 9, env);
      }
    },
    note: (context, [a], drawing, env) => {
      context.beginPath();
      context.arc(a.x, a.y, 3, 0, 2 * Math.PI);
      context.fillStyle = env.hue;
      context.fill();
      words(context, drawing.text, a.x + 9, a.y, env);
    },
  };

  function handles(context, anchors, env) {
    for (const { x, y } of anchors) {
      context.beginPath();
      context.arc(x, y, 4.5, 0, 2 * Math.PI);
      context.fillStyle = env.ground;
      context.fill();
      context.strokeStyle = env.hue;
      context.lineWidth = 1.5;
      context.stroke();
    }
  }

  function paint(context, drawing, { places, size, chosen, colour }) {
    const anchors = ends(drawing, places);
    if (anchors.some(({ x, y }) => !Number.isFinite(x) || y === null)) return;
    const env = { places, size, hue: colour(`overlay-${drawing.colour}`), ground: colour("surface-1"), font: colour("font-sans") };
    context.strokeStyle = env.hue;
    context.lineWidth = chosen ? 2 : 1.4;
    painters[drawing.kind](context, anchors, drawing, env);
    if (chosen) handles(context, shownAt(drawing, anchors, size), env);
  }

  /* A level is held at the middle of the screen, a vertical line at its middle height: its anchor may be far away. */
  function shownAt(drawing, anchors, size) {
    if (drawing.kind === "level") return [{ ...anchors[0], x: size.width / 2 }];
    if (drawing.kind === "moment") return [{ ...anchors[0], y: size.height / 2 }];
    return anchors;
  }

  function toSegment(at, a, b) {
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const length = dx * dx + dy * dy;
    const t = length ? Math.max(0, Math.min(1, ((at.x - a.x) * dx + (at.y - a.y) * dy) / length)) : 0;
    return Math.hypot(at.x - a.x - t * dx, at.y - a.y - t * dy);
  }

  const distances = {
    trend: (at, [a, b]) => toSegment(at, a, b),
    ray: (at, pair, size) => toSegment(at, pair[0], far(pair, size)),
    level: (at, [a]) => Math.abs(at.y - a.y),
    moment: (at, [a]) => Math.abs(at.x - a.x),
    box: (at, [a, b]) => Math.min(
      toSegment(at, a, { x: b.x, y: a.y }), toSegment(at, { x: b.x, y: a.y }, b),
      toSegment(at, b, { x: a.x, y: b.y }), toSegment(at, { x: a.x, y: b.y }, a)),
    fib: (at, pair, size, places) => {
      const [left, right] = [Math.min(pair[0].x, pair[1].x), Math.max(pair[0].x, pair[1].x, Math.min(pair[0].x, pair[1].x) + 60)];
      const rows = levels(pair).map(({ price }) => places.y(price)).map((y) => toSegment(at, { x: left, y }, { x: right, y }));
      return Math.min(toSegment(at, pair[0], pair[1]), ...rows);
    },
    note: (at, [a], size, places, drawing) => (Math.abs(at.y - a.y) < 9 && at.x > a.x - 6 && at.x < a.x + 12 + 6.2 * drawing.text.length ? 0 : Infinity),
  };

  /* {anchor: which is under the place, or -1 for the shape itself, distance in px}. */
  function hit(drawing, at, { places, size }) {
    const anchors = ends(drawing, places);
    if (anchors.some(({ x, y }) => !Number.isFinite(x) || y === null)) return { anchor: -1, distance: Infinity };
    const near = shownAt(drawing, anchors, size).map(({ x, y }) => Math.hypot(at.x - x, at.y - y));
    const closest = Math.min(...near);
    if (closest <= 9) return { anchor: near.indexOf(closest), distance: closest / 10 };
    return { anchor: -1, distance: distances[drawing.kind](at, anchors, size, places, drawing) };
  }

  charts.shapes = { KINDS, paint, hit };
})();
