/* What opens over the chart: menus and short forms. One is open at a time; closing gives the focus back. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { element } = charts;
  const find = (id) => document.getElementById(id);
  const FLOATS = ["charts-search", "charts-menu", "charts-params", "charts-typed", "charts-pop", "charts-note"];
  const NARROW = 576; // px
  let opener = null;

  function close(refocus = true) {
    let closed = false;
    for (const id of FLOATS) {
      const float = find(id);
      if (!float || float.hidden) continue;
      if (float.contains(document.activeElement)) document.activeElement.blur(); // keys go to the page at once, not to what is hidden
      closed = float.hidden = true;
    }
    if (closed && refocus && opener && opener.isConnected) opener.focus();
    return closed;
  }

  /* Beside the button that opens it, or at a place of the page; inside the page in any case. */
  function open(id, from, place = null) {
    close(false);
    opener = from || document.activeElement;
    const float = find(id);
    float.hidden = false;
    const box = find("charts-page").getBoundingClientRect();
    const anchor = place || (from ? from.getBoundingClientRect() : { left: box.left + 12, bottom: box.top + 46 });
    const left = window.innerWidth < NARROW ? 8 : anchor.left - box.left;
    float.style.left = `${Math.max(8, Math.min(left, box.width - float.offsetWidth - 8))}px`;
    const top = anchor.bottom - box.top + 4;
    const foot = window.innerWidth < NARROW ? 64 : 8; // the bottom nav of phones
    const room = Math.min(box.height, window.innerHeight - box.top - foot) - float.offsetHeight;
    float.style.top = `${Math.max(8, Math.min(top, room))}px`;
    return float;
  }

  function button(text, className, run) {
    const made = Object.assign(element("button", className, text), { type: "button" });
    made.addEventListener("click", run);
    return made;
  }

  function field(id, attributes) {
    const made = Object.assign(element("input", "form-control"), { id, type: "text", autocomplete: "off" });
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) made.setAttribute(name, "");
      else if (value !== undefined && value !== false && value !== null) made.setAttribute(name, value);
    }
    return made;
  }

  /* ---- menus -------------------------------------------------------------------------------------------------------- */
  function icon(name) {
    const made = element("i", `icon s i-${name}`);
    made.setAttribute("aria-hidden", "true");
    return made;
  }

  function entry(item) {
    const row = element("div", "entry");
    const main = button("", "pick", (event) => {
      close();
      item.run(event);
    });
    if (item.swatch) main.append(Object.assign(element("i", "line"), { style: `background: var(--${item.swatch})` }));
    main.append(element("b", "", item.label));
    if (item.hint) main.append(element("span", "", item.hint));
    if (item.pressed !== undefined) main.setAttribute("aria-pressed", String(item.pressed));
    main.disabled = Boolean(item.disabled);
    if (item.title) main.title = item.title;
    row.append(main);
    if (item.end) {
      const end = button("", "aside", () => item.end.run(end));
      end.append(icon(item.end.icon));
      end.setAttribute("aria-label", item.end.label);
      end.title = item.end.label;
      if (item.end.pressed !== undefined) end.setAttribute("aria-pressed", String(item.end.pressed));
      row.append(end);
    }
    return row;
  }

  /* `groups`: [{title, items: [{label, hint, pressed, disabled, swatch, run, end}]}]. */
  function menu(from, title, groups) {
    const float = find("charts-pop");
    float.className = "charts-float list pop";
    float.setAttribute("role", "dialog");
    float.setAttribute("aria-label", title);
    const parts = [];
    for (const group of groups) {
      if (group.title) parts.push(element("h3", "", group.title));
      parts.push(...group.items.map(entry));
    }
    float.replaceChildren(...parts);
    open("charts-pop", from);
    const first = float.querySelector("button:not(:disabled)");
    if (first) first.focus();
  }

  /* Up and down walk through an open list. */
  function walk(step) {
    const float = document.activeElement && document.activeElement.closest(".charts-float.list");
    if (!float) return false;
    const all = [...float.querySelectorAll("button.pick, [data-charts=add]")].filter((one) => !one.disabled && !one.hidden);
    const now = all.indexOf(document.activeElement);
    if (!all.length) return false;
    all[(now + step + all.length) % all.length].focus();
    return true;
  }

  /* ---- forms --------------------------------------------------------------------------------------------------------- */
  /* A short form; `run` gets {name: text} and may return a sentence about what is wrong. */
  function form(from, title, fields, submit, run) {
    const float = find("charts-pop");
    float.className = "charts-float params";
    float.setAttribute("role", "dialog");
    float.setAttribute("aria-label", title);
    const made = element("form");
    const inputs = fields.map(({ label, hint, ...attributes }) => {
      const wrap = element("label", "form-label", label);
      const input = field(`charts-form-${attributes.name}`, attributes);
      wrap.append(input);
      if (hint) wrap.append(element("span", "form-text", hint));
      return { wrap, input };
    });
    const wrong = element("div", "form-text wrong");
    wrong.setAttribute("role", "status");
    made.append(element("h3", "", title), ...inputs.map(({ wrap }) => wrap), wrong,
      Object.assign(element("button", "btn btn-primary btn-sm", submit), { type: "submit" }));
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      const sentence = run(Object.fromEntries(inputs.map(({ input }) => [input.name, input.value])));
      if (typeof sentence === "string") wrong.textContent = sentence;
      else close();
    });
    float.replaceChildren(made);
    open("charts-pop", from);
    if (inputs.length) inputs[0].input.select();
    if (inputs.length) inputs[0].input.focus();
  }

  Object.assign(charts, { find, close, open, button, field, menu, walk, form, floats: FLOATS });
})();
