/* What floats while somebody draws: the hint of a tool, the bar of the chosen drawing, undo; and the forms of a drawing. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page, kept, element, shapes } = charts;
  const { KINDS } = shapes;
  const UNDO_MS = 10000;
  const COLOURS = 8;
  const find = (id) => document.getElementById(id);
  let gone = null; // { drawings, timer }: what may come back

  const button = charts.button;

  function swatches(drawing) {
    const holder = element("span", "swatches");
    holder.setAttribute("role", "group");
    holder.setAttribute("aria-label", "Colour");
    for (let n = 1; n <= COLOURS; n += 1) {
      const dot = button("", "dot", () => charts.keepDrawing({ ...drawing, colour: n }));
      dot.style.setProperty("--dot", `var(--overlay-${n})`);
      dot.setAttribute("aria-label", `Colour ${n}`);
      dot.setAttribute("aria-pressed", String(drawing.colour === n));
      holder.append(dot);
    }
    return holder;
  }

  function ofTool({ tool, points }) {
    const { name, anchors } = KINDS[tool];
    const which = anchors === 1 ? "its place" : points.length ? "the second end" : "the first end";
    return [element("b", "", name), element("span", "", `Choose ${which}, or press Enter`), button("Cancel", "btn btn-ghost btn-sm", charts.disarm)];
  }

  function ofChosen(drawing) {
    const edit = button("Edit", "btn btn-ghost btn-sm", () => charts.editDrawing(drawing, edit));
    return [
      element("b", "", KINDS[drawing.kind].name), swatches(drawing), edit,
      button("Delete", "btn btn-ghost btn-sm", () => charts.erase([drawing.key])),
    ];
  }

  function ofGone() {
    const { drawings } = gone;
    const what = drawings.length === 1 ? KINDS[drawings[0].kind].name : `${drawings.length} drawings`;
    return [element("span", "", `${what} deleted.`), button("Undo", "btn btn-ghost btn-sm", charts.undo)];
  }

  /* One bar over the chart: of the tool in hand, else of the chosen drawing, else of what was just deleted. */
  charts.drawingBar = function (chosen, state) {
    const holder = find("charts-hint");
    if (!holder) return;
    const parts = state.tool ? ofTool(state) : chosen ? ofChosen(chosen) : gone ? ofGone() : [];
    holder.hidden = !parts.length;
    holder.replaceChildren(...parts);
    const pencil = document.querySelector('[data-charts="draw"]');
    if (pencil) pencil.setAttribute("aria-pressed", String(Boolean(state.tool)));
  };

  /* ---- deleting, and taking it back ----------------------------------------------------------------------------------- */
  charts.erase = function (keys) {
    const drawings = charts.drawings().filter((one) => keys.includes(one.key));
    if (!drawings.length) return;
    kept.drawings = kept.drawings.filter((one) => !keys.includes(one.key));
    charts.send({ op: "erase", market: page.frame.market, keys });
    if (gone) clearTimeout(gone.timer);
    gone = { drawings, timer: setTimeout(() => forget(), UNDO_MS) };
    charts.redrawn();
  };

  function forget() {
    gone = null;
    charts.redrawn();
  }

  charts.undo = function () {
    if (!gone) return false;
    const { drawings, timer } = gone;
    clearTimeout(timer);
    gone = null;
    for (const drawing of drawings) charts.keepDrawing(drawing);
    return true;
  };

  /* ---- forms ----------------------------------------------------------------------------------------------------------- */
  charts.writeNote = function (drawing, keep) {
    charts.form(null, "Note", [{ name: "text", label: "Text", value: drawing.text, maxlength: 200, required: true }], "Save note", ({ text }) => {
      keep({ ...drawing, text: text.trim() });
      charts.choose(drawing.key);
    });
  };

  const local = (ms) => new Date(ms).toISOString().slice(0, 16);

  /* Its ends as numbers: what a mouse sets by eye can be set exactly, and without one. */
  charts.editDrawing = function (drawing, opener) {
    const fields = [];
    drawing.points.forEach(([ms, price], n) => {
      const which = drawing.points.length > 1 ? ` of end ${n + 1}` : "";
      if (drawing.kind !== "level") fields.push({ name: `time${n}`, label: `Time${which}, UTC`, type: "datetime-local", value: local(ms), required: true });
      if (drawing.kind !== "moment") fields.push({ name: `price${n}`, label: `Price${which}`, type: "number", value: price, step: "any", required: true });
    });
    const worded = ["note", "level", "moment"].includes(drawing.kind);
    if (worded) fields.push({ name: "text", label: "Text", value: drawing.text, maxlength: 200, required: drawing.kind === "note" });
    charts.form(opener, KINDS[drawing.kind].name, fields, "Save", (values) => {
      const points = drawing.points.map(([ms, price], n) => [
        values[`time${n}`] ? Date.parse(`${values[`time${n}`]}Z`) : ms, values[`price${n}`] ? Number(values[`price${n}`]) : price,
      ]);
      charts.keepDrawing({ ...drawing, points, text: worded ? values.text.trim() : drawing.text });
    });
  };

  /* ---- the menu of tools and of what is drawn -------------------------------------------------------------------------- */
  const HINTS = { trend: "Alt T", level: "Alt H", moment: "Alt V", fib: "Alt F", note: "Alt N" };

  function described(drawing) {
    const { frame } = page;
    const [ms, price] = drawing.points[0];
    if (drawing.kind === "level") return charts.number(price, frame.decimals);
    if (drawing.kind === "note") return drawing.text;
    return charts.moment(ms, frame.tf_ms);
  }

  charts.drawMenu = function (opener) {
    const tools = Object.entries(KINDS).map(([kind, { name }]) => ({
      label: name, hint: HINTS[kind] || "", run: (event) => charts.arm(kind, event.detail === 0),
    }));
    const drawn = charts.drawings().map((one) => ({
      label: KINDS[one.kind].name, hint: described(one), swatch: `overlay-${one.colour}`, run: () => charts.choose(one.key),
      end: { label: `Delete ${KINDS[one.kind].name}, ${described(one)}`, icon: "trash", run: () => charts.erase([one.key]) },
    }));
    const all = drawn.length > 1 ? [{ label: "Delete all drawings", run: () => charts.erase(charts.drawings().map((one) => one.key)) }] : [];
    const groups = [{ items: tools }];
    if (drawn.length) groups.push({ title: "On this market", items: [...drawn, ...all] });
    charts.menu(opener, "Draw", groups);
  };
})();
