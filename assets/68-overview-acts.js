/* What a person does to the watch-list: by mouse, by keyboard, by the menu of a row. The server keeps it, and says what
   the list is then. */
(function () {
  "use strict";

  const view = window.boltOverview;
  const find = (id) => document.getElementById(id);
  const UNDO_MS = 8000;
  const LOST_MS = 10000; // an act without an answer for so long is given up: the next frame tells what the server has
  const queue = [];
  let flying = null; // the number of the act on its way
  let count = 0;

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /* One act at a time, in order: two changes of a store before Dash has read it are one to Dash, and the first is lost. */
  function act(wish) {
    queue.push({ ...wish, n: `${Date.now()}.${(count += 1)}` });
    flush();
  }

  function flush() {
    if (flying || !queue.length) return;
    const wish = queue.shift();
    flying = wish.n;
    setTimeout(() => answered(wish.n), LOST_MS);
    window.dash_clientside.set_props("overview-do", { data: wish });
  }

  function answered(n) {
    if (n !== flying) return;
    flying = null;
    flush();
  }

  /* Until the server has answered every act, its frames tell an older list than the one that is seen. */
  view.ahead = () => flying !== null || queue.length > 0;

  window.dash_clientside.overview.answered = answered;

  const rowOf = (node) => node && node.closest && node.closest("#overview-table tr[data-id]");
  const held = (line) => view.rows.get(Number(line.dataset.id));

  /* ---- acts -------------------------------------------------------------------------------------------------------------- */
  function focus(id) {
    view.focus = id;
    for (const [key, one] of view.rows) one.line.tabIndex = key === id ? 0 : -1;
    if (view.rows.has(id)) view.rows.get(id).line.focus();
  }

  function remove(id) {
    const { row } = view.rows.get(id);
    const place = view.frame.rows.findIndex((one) => one.id === id);
    const k = view.order.indexOf(id);
    const next = view.order[k + 1] || view.order[k - 1];
    act({ act: "remove", id });
    if (next !== undefined) focus(next);
    offer(`${row.base}/${row.quote} is off the list`, () => act({ act: "undo", id, place }));
  }

  function offer(words, undo) {
    const box = element("div", "toast-b plain");
    box.setAttribute("role", "status");
    const text = element("div", "words");
    const button = element("button", "btn btn-secondary btn-sm push", "Undo");
    text.append(element("b", "", words));
    box.append(text, button);
    button.addEventListener("click", () => { box.remove(); undo(); });
    find("toasts").append(box);
    setTimeout(() => box.remove(), UNDO_MS);
  }

  /* Moving a row makes the order that is seen the person's own. */
  function shift(id, step) {
    const order = [...view.order];
    const k = order.indexOf(id);
    if (k + step < 0 || k + step >= order.length) return;
    order.splice(k + step, 0, ...order.splice(k, 1));
    reorder(order);
    focus(id);
  }

  function reorder(ids) {
    const rows = new Map(view.frame.rows.map((row) => [row.id, row]));
    Object.assign(view.frame, { rows: ids.map((id) => rows.get(id)), sort: "own" });
    view.draw();
    act({ act: "order", ids });
  }

  /* Falling first, then rising, then the person's own order; names the other way round. */
  function sort(by) {
    const first = by !== "market" && by !== "age";
    const { frame } = view;
    if (frame.sort !== by) Object.assign(frame, { sort: by, down: first });
    else if (frame.down === first) frame.down = !first;
    else Object.assign(frame, { sort: "own", down: true });
    view.draw();
    act({ act: "sort", by: frame.sort, down: frame.down });
  }

  function open(line) {
    line.querySelector("td.mkt a").click();
  }

  function openAdd() {
    const dialog = find("overview-add");
    if (!dialog || dialog.open) return;
    dialog.showModal();
    const input = dialog.querySelector("input");
    input.setAttribute("aria-label", "Market to add");
    input.focus();
    input.select();
    choose(0);
  }

  /* Dialogs of the house: a name for a list, and before one is lost. */
  let naming = null;

  const show = (id, isOpen) => window.dash_clientside.set_props(id, { is_open: isOpen });

  function askName(wish, before) {
    naming = wish;
    window.dash_clientside.set_props("overview-name", { value: before });
    show("overview-naming", true);
  }

  function nameGiven() {
    const name = find("overview-name").value.trim();
    if (!name) return find("overview-name").focus();
    show("overview-naming", false);
    return act({ act: naming, name });
  }

  const ANSWERS = {
    "overview-name-yes": nameGiven,
    "overview-name-no": () => show("overview-naming", false),
    "overview-delete-yes": () => { show("overview-deleting", false); act({ act: "delete" }); },
    "overview-delete-no": () => show("overview-deleting", false),
  };

  /* ---- the menu of a row --------------------------------------------------------------------------------------------------- */
  let menu = null;

  function closeMenu() {
    if (menu) menu.remove();
    menu = null;
  }

  function openMenu(button) {
    closeMenu();
    const id = Number(rowOf(button).dataset.id);
    menu = element("div", "menu watch-menu");
    menu.setAttribute("role", "menu");
    const entries = [
      ["bar-chart-line", "Open the chart", "Enter", () => open(view.rows.get(id).line)],
      ["arrow-up", "Move up", "Alt \u2191", () => shift(id, -1)],
      ["arrow-down", "Move down", "Alt \u2193", () => shift(id, 1)],
      ["trash", "Remove", "Delete", () => remove(id)],
    ];
    for (const [name, words, keys, run] of entries) {
      const entry = element("button", "item");
      entry.setAttribute("role", "menuitem");
      entry.append(element("i", `icon i-${name}`), words, element("span", "end t4 fs11 m-hide", keys));
      entry.addEventListener("click", () => { closeMenu(); run(); });
      menu.append(entry);
    }
    const box = button.getBoundingClientRect();
    document.body.append(menu);
    const below = box.bottom + menu.offsetHeight + 8 < window.innerHeight;
    menu.style.top = `${below ? box.bottom + 4 : box.top - menu.offsetHeight - 4}px`;
    menu.style.left = `${Math.max(8, box.right - menu.offsetWidth)}px`;
    menu.firstChild.focus();
  }

  function menuKey(event) {
    const entries = [...menu.children];
    const k = entries.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) entries[(k + step + entries.length) % entries.length].focus();
    else if (event.key === "Escape") closeMenu();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /* ---- clicks --------------------------------------------------------------------------------------------------------------- */
  const ACTS = {
    "open-add": openAdd,
    add: (button) => act({ act: "add", market: button.dataset.market }),
    sort: (button) => sort(button.dataset.by),
    row: openMenu,
    choose: (button) => act({ act: "choose", list: Number(button.dataset.list) }),
    create: () => askName("create", ""),
    rename: () => askName("rename", document.querySelector(".watch-lists summary").textContent),
    delete: () => show("overview-deleting", true),
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-watch]");
    const answer = event.target.closest("button[id^='overview-']");
    if (answer && ANSWERS[answer.id]) return ANSWERS[answer.id]();
    if (menu && !menu.contains(event.target)) closeMenu();
    if (button && ACTS[button.dataset.watch]) {
      if (button.closest(".drop")) window.bolt.closeAll();
      return ACTS[button.dataset.watch](button);
    }
    const line = rowOf(event.target);
    if (line && !event.target.closest("a, button")) {
      focus(Number(line.dataset.id));
      if (window.matchMedia("(max-width: 575.98px)").matches) open(line);
    }
    return undefined;
  });
  document.addEventListener("dblclick", (event) => {
    const line = rowOf(event.target);
    if (line && !event.target.closest("button")) open(line);
  });

  /* ---- keys: before the shell's, whose "/" means another search ---------------------------------------------------------------- */
  const typing = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

  function rowKey(event, line) {
    const id = line ? Number(line.dataset.id) : view.focus;
    const k = view.order.indexOf(id);
    const last = view.order.length - 1;
    const to = { ArrowDown: Math.min(last, k + 1), ArrowUp: Math.max(0, k - 1), Home: 0, End: last }[event.key];
    if (line && event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) shift(id, event.key === "ArrowUp" ? -1 : 1);
    else if (to !== undefined && !event.altKey && (line || event.key.startsWith("Arrow"))) focus(view.order[to]);
    else if (line && event.key === "Enter" && !event.target.closest("button, a")) open(line);
    else if (line && event.key === "Delete") remove(id);
    else return false;
    return true;
  }

  const hits = () => [...document.querySelectorAll("#overview-found .it:not(:disabled)")];

  function choose(index) {
    hits().forEach((hit, k) => {
      hit.classList.toggle("on", k === index);
      hit.setAttribute("aria-selected", String(k === index));
    });
  }

  function addKey(event) {
    const all = hits();
    const k = all.findIndex((hit) => hit.classList.contains("on"));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      choose((k + step + all.length) % all.length);
      all[(k + step + all.length) % all.length].scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") (all[k] || all[0])?.click();
    else return false;
    return true;
  }

  window.addEventListener("keydown", (event) => {
    if (!find("overview-table")) return;
    if (menu) return void menuKey(event);
    let done = false;
    if (event.target.closest("#overview-add")) done = addKey(event);
    else if (event.key === "Enter" && event.target.id === "overview-name") {
      nameGiven();
      done = true;
    }
    else if (typing(event.target) || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey) return;
    else if (event.key === "/") {
      openAdd();
      done = true;
    } else if (view.order.length) {
      const line = rowOf(event.target);
      const idle = event.target === document.body || event.target.id === "main";
      if (line || idle) done = rowKey(event, line);
    }
    if (done) {
      event.preventDefault();
      event.stopPropagation();
    }
  }, true);

  document.addEventListener("focusin", (event) => {
    const line = rowOf(event.target);
    if (line && held(line)) view.focus = Number(line.dataset.id);
  });
  new MutationObserver((changes) => {
    if (changes.some((change) => change.target.id === "overview-found")) choose(0);
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
