/* Toolbar, menus, symbol search and keys of the Charts page. Elements say what they do in `data-charts`. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page, find, element } = charts;
  let opener = null; // what gets the focus back when a menu closes

  /* ---- menus -------------------------------------------------------------------------------------------------------- */
  const floating = ["charts-search", "charts-menu", "charts-params", "charts-typed"];

  function close(refocus = true) {
    let closed = false;
    for (const id of floating) {
      const menu = find(id);
      if (menu && !menu.hidden) closed = menu.hidden = true;
    }
    if (closed && refocus && opener && opener.isConnected) opener.focus();
    return closed;
  }

  function open(id, button) {
    close(false);
    opener = button || document.activeElement;
    const menu = find(id);
    menu.hidden = false;
    const box = find("charts-page").getBoundingClientRect();
    const anchor = button ? button.getBoundingClientRect() : { left: box.left + 12, bottom: box.top + 46 };
    menu.style.top = `${anchor.bottom - box.top + 4}px`;
    menu.style.left = `${Math.max(8, Math.min(anchor.left - box.left, box.width - menu.offsetWidth - 8))}px`;
    return menu;
  }

  /* ---- symbol search -------------------------------------------------------------------------------------------------- */
  const letters = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, "");

  /* The letters in order somewhere in the name; the closer together and the earlier, the better. */
  function score(name, wanted) {
    const whole = name.indexOf(wanted);
    if (whole >= 0) return whole;
    let at = -1;
    let start = 0;
    for (const letter of wanted) {
      at = name.indexOf(letter, at + 1);
      if (at < 0) return null;
      if (letter === wanted[0] && !start) start = at;
    }
    return 100 + at - start;
  }

  function hits(text) {
    const wanted = letters(text);
    const scored = page.markets.map((market) => {
      const symbol = letters(market.symbol);
      const best = [score(symbol, wanted), score(letters(market.exchange) + symbol, wanted)].filter((s) => s !== null);
      return { market, rank: best.length ? Math.min(...best) : null };
    });
    return scored.filter((s) => s.rank !== null).sort((a, b) => a.rank - b.rank).slice(0, 12).map((s) => s.market);
  }

  function list(text) {
    const found = hits(text);
    const holder = find("charts-search-list");
    holder.replaceChildren(...found.map((market, n) => {
      const item = element("li", "option");
      item.id = `charts-option-${n}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(n === 0));
      item.dataset.charts = "market";
      item.dataset.value = market.path;
      item.append(element("b", "", market.symbol), element("span", "", market.exchange));
      if (market.simulated) item.append(element("span", "badge-sim short", "SIM"));
      return item;
    }));
    if (!found.length) holder.append(element("li", "none", `No market here is like “${text}”.`));
    find("charts-search-text").setAttribute("aria-activedescendant", found.length ? "charts-option-0" : "");
  }

  function choose(step) {
    const options = [...document.querySelectorAll("#charts-search-list .option")];
    if (!options.length) return;
    const now = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const next = (now + step + options.length) % options.length;
    options.forEach((option, n) => option.setAttribute("aria-selected", String(n === next)));
    options[next].scrollIntoView({ block: "nearest" });
    find("charts-search-text").setAttribute("aria-activedescendant", options[next].id);
  }

  function field(id, attributes) {
    const made = Object.assign(element("input", "form-control"), { id, type: "text", autocomplete: "off" });
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function search(text = "") {
    const shown = [...document.querySelectorAll('[data-charts="search"]')].find((b) => b.offsetParent);
    const wanted = field("charts-search-text", {
      role: "combobox", "aria-label": "Search a market", "aria-expanded": "true", "aria-controls": "charts-search-list",
      "aria-autocomplete": "list", placeholder: "Symbol, such as btcusd",
    });
    const options = Object.assign(element("ul"), { id: "charts-search-list" });
    options.setAttribute("role", "listbox");
    options.setAttribute("aria-label", "Markets");
    open("charts-search", shown).replaceChildren(wanted, options);
    wanted.value = text;
    list(text);
    wanted.focus();
  }

  /* ---- indicators --------------------------------------------------------------------------------------------------------- */
  function change(ind) {
    close();
    charts.ask({ ind: ind.join(",") });
  }

  function add(name) {
    if (charts.indicators().includes(name)) return void close();
    change([...charts.indicators(), name]);
  }

  /* The list of indicators, narrowed by what is typed above it; Enter takes the first that is left. */
  function menu(button) {
    const list = open("charts-menu", button);
    let filter = find("charts-menu-text");
    if (!filter) {
      filter = field("charts-menu-text", { placeholder: "Find an indicator", "aria-label": "Find an indicator" });
      list.prepend(filter);
      filter.addEventListener("input", () => narrow(filter.value));
    }
    filter.value = "";
    narrow("");
    filter.focus();
  }

  const offered = () => [...document.querySelectorAll('#charts-menu [data-charts="add"]')];

  function narrow(text) {
    const wanted = letters(text);
    for (const item of offered()) item.hidden = !letters(item.textContent + item.title).includes(wanted);
  }

  /* A small form of number fields, with the limits of the catalogue. */
  function edit(button) {
    const chip = button.closest("[data-key]");
    const params = JSON.parse(chip.dataset.params);
    const form = element("form");
    form.append(element("h3", "", chip.dataset.title));
    const fields = params.map((param) => {
      const label = element("label", "form-label", param.title);
      const field = Object.assign(element("input", "form-control"), {
        type: "number", value: param.value, min: param.low, max: param.high, step: param.step, required: true,
      });
      label.append(field, element("span", "form-text", `${param.low} to ${param.high}`));
      form.append(label);
      return field;
    });
    form.append(Object.assign(element("button", "btn btn-primary btn-sm", "Apply"), { type: "submit" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const made = [chip.dataset.name, ...fields.map((field) => String(Number(field.value)))].join(":");
      change(charts.indicators().map((one) => (one === chip.dataset.key ? made : one)));
    });
    open("charts-params", button).replaceChildren(form);
    if (fields.length) fields[0].focus();
  }

  /* ---- clicks --------------------------------------------------------------------------------------------------------------- */
  const actions = {
    tf: (button) => charts.ask({ tf: button.dataset.value }),
    search: () => search(),
    market: (item) => {
      close(false);
      charts.ask({ market: item.dataset.value }, { keep: false });
    },
    menu: (button) => (find("charts-menu").hidden ? menu(button) : close()),
    add: (button) => add(button.dataset.value),
    remove: (button) => change(charts.indicators().filter((one) => one !== button.closest("[data-key]").dataset.key)),
    edit,
    log: (button) => charts.ask({ scale: button.getAttribute("aria-pressed") === "true" ? null : "log" }),
    table: charts.toggleTable,
    image: () => charts.set("charts-chart", { screenshotRequest: Date.now() }),
    full: charts.fullScreen,
    reset: charts.reset,
  };

  document.addEventListener("click", (event) => {
    if (!find("charts-page") || !page.view) return;
    const button = event.target.closest("[data-charts]");
    if (button) return void actions[button.dataset.charts](button);
    if (!event.target.closest(".charts-float")) close(false);
  });

  document.addEventListener("input", (event) => {
    if (event.target.id === "charts-search-text") list(event.target.value);
  });

  /* ---- keys ------------------------------------------------------------------------------------------------------------------- */
  let sequence = 0; // when `g` was pressed: the next letter belongs to the shell

  const keys = {
    ArrowLeft: () => charts.pan(-0.1),
    ArrowRight: () => charts.pan(0.1),
    "+": () => charts.zoom(0.8),
    "=": () => charts.zoom(0.8),
    "-": () => charts.zoom(1.25),
  };

  function inSearch(event) {
    if (event.key === "ArrowDown") choose(1);
    else if (event.key === "ArrowUp") choose(-1);
    else if (event.key === "Enter") {
      const chosen = document.querySelector('#charts-search-list [aria-selected="true"]');
      if (chosen) actions.market(chosen);
    } else return false;
    return true;
  }

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

  function command(event) {
    if (event.altKey && event.code === "KeyR") charts.reset();
    else if (event.altKey || event.ctrlKey || event.metaKey) return false;
    else if (keys[event.key]) keys[event.key]();
    else if (/^[0-9]$/.test(event.key)) type(event.key);
    else if (event.key === ",") type("");
    else if (/^[a-z]$/i.test(event.key) && !event.shiftKey && Date.now() - sequence > 1200) {
      if (event.key === "g") return void (sequence = Date.now());
      search(event.key === "b" ? "" : event.key);
    } else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (!find("charts-page") || !page.view || event.defaultPrevented) return;
    if (event.key === "Escape" && close()) return void event.preventDefault();
    let done = false;
    if (event.target.id === "charts-search-text") done = inSearch(event);
    else if (event.target.id === "charts-typed-text") done = typed(event);
    else if (event.target.id === "charts-menu-text" && event.key === "Enter") {
      const first = offered().find((item) => !item.hidden);
      if (first) first.click();
      done = true;
    }
    else if (!event.target.closest("input, textarea, select, [contenteditable], dialog, [role=menu]")) done = command(event);
    if (done) event.preventDefault();
  });
})();
