/* The watch-list of the Overview page: drawn here from one frame (callbacks/overview_frame.py), so that a tick changes
   a few texts and asks the server nothing. What a person does to the list is in 68-overview-acts.js. */
(function () {
  "use strict";

  const { number, short } = window.boltCharts;
  const client = (window.dash_clientside = window.dash_clientside || {});
  const view = (window.boltOverview = { frame: null, rows: new Map(), order: [], focus: null });
  const SVG = "http://www.w3.org/2000/svg";
  const DASH = "\u2014";
  const HOUR = 3600000;
  const WINDOWS = { hour: HOUR, day: 24 * HOUR, week: 168 * HOUR };
  const DOLLARS = ["USD", "USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI"];
  const CALLS = { bearish: ["d", "arrow-down", "Bearish"], neutral: ["f", "dash-lg", "Neutral"], bullish: ["u", "arrow-up", "Bullish"] };
  const COLUMNS = [
    ["market", "Market", "mkt"], ["last", "Last price", "num prc"], ["hour", "1 h", "num hr"], ["day", "24 h", "num chg"],
    ["week", "7 d", "num wk"], [null, "Last 7 days", "spk"], ["volume", "Volume, 24 h", "num vol"],
    ["cap", "Market cap", "num cap"], ["call", "Call", "cll"], ["age", "Source and age", "src"], [null, "", "do"],
  ];
  const find = (id) => document.getElementById(id);

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const icon = (name) => element("i", `icon s i-${name}`);

  /* Change what differs, and nothing else: a text that stays keeps its selection. */
  function say(node, text, className, title = "") {
    if (node.textContent !== text) node.textContent = text;
    if (className !== undefined && node.className !== className) node.className = className;
    if (node.title !== title) node.title = title;
  }

  /* ---- figures of a row, with the last tick where there is a newer one ------------------------------------------------- */
  /* Where its ticks come from: the market itself, or who stands in for it while its exchange is silent. */
  const stream = (row) => (row.served ? row.served.path : row.path);

  function now(row) {
    const tick = row.followed ? window.boltLive.ticks.get(stream(row)) : null;
    const live = tick && row.last !== undefined && tick.time > row.at;
    const last = live ? tick.price : row.last;
    const at = live ? tick.time : row.at;
    const age = Date.now() - at;
    const stale = row.last !== undefined && age > 2 * row.step;
    const moved = {};
    for (const [name, span] of Object.entries(WINDOWS)) {
      const then = row.past && row.past[name];
      moved[name] = !then || (stale && (name === "hour" || age > span)) ? null : last / then - 1;
    }
    return { last, at, age, stale, moved };
  }

  function aged(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
      if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
    }
    return `${seconds} s`;
  }

  function percent(share) {
    const rounded = Math.round(share * 10000) / 100;
    return { text: (rounded > 0 ? "+" : "") + number(rounded, 2) + "%", tone: rounded > 0 ? "up" : rounded < 0 ? "down" : "" };
  }

  const worth = (value, quote) => (DOLLARS.includes(quote) ? "$" + short(value) : `${short(value)} ${quote}`);

  /* ---- cells ------------------------------------------------------------------------------------------------------------- */
  function price(node, row, told) {
    if (told.last === undefined) return say(node, DASH, "t4", row.why.last);
    const text = number(told.last, row.dec);
    if (node.dataset.text !== text) {
      node.dataset.text = text;
      const zeros = /^0[.,]00+/.exec(text);
      node.replaceChildren(text);
      if (zeros && /[1-9]/.test(text)) node.replaceChildren(element("span", "nz", zeros[0]), text.slice(zeros[0].length));
    }
    node.classList.toggle("t4", told.stale);
    node.classList.toggle("t1", !told.stale);
    return undefined;
  }

  function changed(node, row, told, name) {
    const share = told.moved[name];
    if (share === null) return say(node, DASH, "t4", row.why[name] || `The last price is ${aged(told.age)} old`);
    const { text, tone } = percent(share);
    return say(node, text, tone);
  }

  function spark(node, row) {
    const told = row.spark || "";
    if (node.dataset.spark === told) return undefined;
    node.dataset.spark = told;
    const heights = told.split(",").map((word) => (word === "" ? null : Number(word)));
    const known = heights.filter((height) => height !== null);
    if (known.length < 2) return node.replaceChildren(element("span", "t4", DASH));
    const y = (height) => (24 - (height / 99) * 22).toFixed(1);
    const x = (k) => ((k / (heights.length - 1)) * 110).toFixed(1);
    let path = "";
    heights.forEach((height, k) => {
      if (height !== null) path += `${k && heights[k - 1] !== null ? "L" : "M"}${x(k)} ${y(height)}`;
    });
    const svg = document.createElementNS(SVG, "svg");
    const line = document.createElementNS(SVG, "path");
    const start = document.createElementNS(SVG, "path");
    svg.setAttribute("class", `spark ${known[known.length - 1] >= known[0] ? "up" : "down"}`);
    svg.setAttribute("viewBox", "0 0 110 26");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    start.setAttribute("class", "z");
    start.setAttribute("d", `M0 ${y(known[0])}H110`);
    line.setAttribute("d", path);
    svg.append(start, line);
    return node.replaceChildren(svg);
  }

  function call(node, row) {
    const key = JSON.stringify(row.call);
    if (node.dataset.call === key) return;
    node.dataset.call = key;
    const [kind, arrow, word] = row.call ? CALLS[row.call[0]] : ["a", "slash-circle", "Not called"];
    const made = element("span", `call ${kind}`);
    made.append(icon(arrow), row.call ? `${word} ${row.call[1]}%` : word);
    made.title = row.call ? `${row.call[3]}, ${row.call[2]} bars ahead` : row.why.call;
    node.replaceChildren(made);
  }

  const venue = (exchange) => exchange[0].toUpperCase() + exchange.slice(1);

  function source(node, row, told) {
    const known = told.last !== undefined;
    const ended = known && told.stale && !row.followed;
    const kind = row.sim && !told.stale ? "s" : !known || ended ? "n" : told.stale ? "w" : "";
    const age = known ? ` \u00b7 ${aged(told.age)}` : "";
    const [dot, words] = node.children;
    const [name, standing, short, late] = words.children;
    say(dot, "", `dot ${kind}`.trim());
    const { exchange, quote } = row.served || row;
    say(name, venue(exchange) + (quote === row.quote ? "" : ` ${row.base}/${quote}`));
    say(standing, row.served ? `, standing in for ${venue(row.exchange)}` : "");
    say(short, row.served ? `\u00a0for ${venue(row.exchange)}` : "");
    say(late, age + (told.stale && !ended ? ", stale" : ""));
    const tone = kind === "w" ? " warn" : kind === "s" ? " simc" : "";
    if (node.className !== "fresh" + tone) node.className = "fresh" + tone;
    const at = known ? `${window.boltTimes.full(new Date(told.at))} UTC` : row.why.last;
    const title = ended ? "Not followed: its candles end here" : row.served ? `${at}. ${row.served.why}` : at;
    if (node.title !== title) node.title = title;
  }

  /* ---- rows ---------------------------------------------------------------------------------------------------------------- */
  function built(row) {
    const line = element("tr");
    line.dataset.id = row.id;
    line.tabIndex = -1;
    const cells = {};
    COLUMNS.forEach(([, , words]) => {
      const cell = element("td", words);
      const inner = element("span");
      cell.append(inner);
      line.append(cell);
      cells[words.split(" ").pop()] = inner;
    });
    const name = element("a", "", "");
    name.tabIndex = -1;
    cells.mkt.className = "mk";
    cells.mkt.append(name, element("span", "nm"));
    const words = element("span", "from");
    words.append(element("span"), element("span", "m-hide"), element("span", "only-phone"), element("span"));
    cells.src.append(element("span", "dot"), words);
    const more = element("button", "btn btn-ghost btn-icon btn-sm");
    more.dataset.watch = "row";
    more.tabIndex = -1;
    more.append(icon("three-dots"));
    cells.do.append(more);
    return { line, cells, row: null, tinted: 0 };
  }

  function fill(held, row) {
    const { cells } = held;
    if (held.row && stream(held.row) !== stream(row)) held.told = undefined; // a price of another exchange is no move
    held.row = row;
    const [name, about] = cells.mkt.children;
    say(name, row.base);
    name.href = `/charts/${row.path}`;
    say(about, row.name || `${row.quote}`);
    if (row.sim && !cells.mkt.querySelector(".badge-sim")) cells.mkt.append(element("span", "badge-sim short", "SIM"));
    cells.do.firstChild.setAttribute("aria-label", `Open the menu of ${row.base}/${row.quote}, ${row.exchange}`);
    spark(cells.spk, row);
    const known = (value) => value !== null && value !== undefined;
    if (known(row.volume)) say(cells.vol, worth(row.volume, (row.served || row).quote), "");
    else say(cells.vol, DASH, "t4", row.why.volume || row.why.last);
    if (known(row.cap)) say(cells.cap, view.frame.unit.sign + short(row.cap), "", row.why.cap);
    else say(cells.cap, DASH, "t4", row.sim ? "A simulated market has no capitalisation" : row.why.cap);
    call(cells.cll, row);
    move(held);
  }

  /* What a second or a tick changes. */
  function move(held) {
    const told = now(held.row);
    price(held.cells.prc, held.row, told);
    changed(held.cells.hr, held.row, told, "hour");
    changed(held.cells.chg, held.row, told, "day");
    changed(held.cells.wk, held.row, told, "week");
    source(held.cells.src, held.row, told);
    held.line.classList.toggle("is-stale", told.stale);
    held.line.classList.toggle("is-served", Boolean(held.row.served));
  }

  /* A changed price is tinted, at most once a second. */
  function tint(held, before, after) {
    if (before === after || Date.now() - held.tinted < 1000) return;
    held.tinted = Date.now();
    const cell = held.cells.prc.parentNode;
    cell.classList.remove("rose", "fell");
    void cell.offsetWidth; // lets the animation begin again
    cell.classList.add(after > before ? "rose" : "fell");
  }

  function value(row, by) {
    if (by === "market") return `${row.base}/${row.quote}`;
    const told = now(row);
    const found = { last: told.last, volume: row.volume, cap: row.cap, age: row.last === undefined ? null : told.age }[by];
    if (by in WINDOWS) return told.moved[by];
    return by === "call" ? (row.call ? row.call[1] : null) : found;
  }

  /* What is missing stands last, whichever way. */
  view.sorted = function () {
    const { rows, sort, down } = view.frame;
    if (sort === "own") return rows.map((row) => row.id);
    const keyed = rows.map((row) => [row.id, value(row, sort)]);
    const there = keyed.filter(([, v]) => v !== null && v !== undefined);
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
    there.sort(([, a], [, b]) => (down ? compare(b, a) : compare(a, b)));
    return [...there, ...keyed.filter((pair) => !there.includes(pair))].map(([id]) => id);
  };

  function heads(table) {
    const { sort, down } = view.frame;
    table.querySelectorAll("th").forEach((head, k) => {
      const [by] = COLUMNS[k];
      const on = by !== null && by === sort;
      head.classList.toggle("sorted", on);
      if (on) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      const mark = head.querySelector(".icon");
      if (mark) mark.className = on ? `icon s i-arrow-${down ? "down" : "up"}` : "icon s none";
    });
  }

  function table(holder) {
    const held = holder.querySelector("table");
    if (held) return held;
    const made = element("table", "tbl tov");
    made.setAttribute("aria-label", "Watch-list");
    const line = element("tr");
    for (const [by, title, words] of COLUMNS) {
      const head = element("th", words);
      head.scope = "col";
      if (by) {
        const button = element("button", "sort", title);
        button.dataset.watch = "sort";
        button.dataset.by = by;
        button.append(element("i", "icon s none"));
        head.append(button);
      } else if (title) head.textContent = title;
      else head.append(element("span", "visually-hidden", "Menu"));
      line.append(head);
    }
    const top = element("thead");
    top.append(line);
    made.append(top, element("tbody"));
    holder.append(made, element("p", "t3 fs12 unit"), element("p", "t4 fs12 keys m-hide", "Arrows move, Enter opens the chart, Delete removes, / adds, Alt with arrows reorders."));
    view.rows.clear();
    return made;
  }

  view.draw = function () {
    const holder = find("overview-table");
    if (!holder || !view.frame) return;
    holder.closest(".overview-page").classList.toggle("is-bare", !view.frame.rows.length);
    holder.dataset.ready = "1";
    if (!view.frame.rows.length) return void holder.replaceChildren();
    const made = table(holder);
    const body = made.tBodies[0];
    const focused = document.activeElement && document.activeElement.closest("#overview-table tr[data-id]");
    for (const row of view.frame.rows) {
      if (!view.rows.has(row.id)) view.rows.set(row.id, built(row));
      fill(view.rows.get(row.id), row);
    }
    const ids = new Set(view.frame.rows.map((row) => row.id));
    for (const [id, held] of view.rows) if (!ids.has(id)) { held.line.remove(); view.rows.delete(id); }
    view.order = view.sorted();
    view.order.forEach((id, k) => {
      const { line } = view.rows.get(id);
      if (body.children[k] !== line) body.insertBefore(line, body.children[k] || null);
    });
    if (focused && focused.isConnected && document.activeElement !== focused) focused.focus();
    const first = view.rows.get(view.focus) || view.rows.get(view.order[0]);
    for (const held of view.rows.values()) held.line.tabIndex = held === first ? 0 : -1;
    heads(made);
    const note = holder.querySelector(".unit");
    note.hidden = !view.frame.unit.note;
    note.textContent = view.frame.unit.note;
  };

  const here = () => find("overview-table") && view.frame && !document.hidden;
  window.boltLive.want("overview", () =>
    here() ? view.frame.rows.filter((row) => row.followed).map(stream) : []);
  window.boltLive.listen((tick) => {
    if (!here()) return;
    for (const held of view.rows.values()) {
      if (stream(held.row) !== tick.market) continue;
      const before = held.told;
      held.told = tick.price;
      move(held);
      if (before !== undefined) tint(held, before, tick.price);
    }
  });
  setInterval(() => {
    if (here()) for (const held of view.rows.values()) move(held);
  }, 1000);

  client.overview = {
    draw(frame) {
      if (!frame || view.ahead()) return window.dash_clientside.no_update;
      view.frame = frame;
      view.draw();
      if (window.boltLive.look) window.boltLive.look();
      return String(frame.rows.length);
    },
  };
})();
