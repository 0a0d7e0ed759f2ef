// What stands around every page: theme, clock, toasts, command palette, shortcuts, menus, and word of a lost server.
// Loaded on every page, also where there is no Dash (sign-in): nothing here may need it at start.
(() => {
  "use strict";

  const root = document.documentElement;
  const THEME_COOKIE = "bolt_theme";
  const YEAR = 365 * 24 * 3600;
  const TOAST_MS = 6000;
  const byId = (id) => document.getElementById(id);

  function cookie(name) {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  /* ---- theme ----------------------------------------------------------- */

  function setLook(theme, updown) {
    root.dataset.bsTheme = theme;
    root.dataset.updown = updown;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${THEME_COOKIE}=${theme}.${updown}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
    keepLook();
  }

  /* The server keeps the look and the switch of the keys with the person, for every other browser. */
  function keepLook() {
    if (!window.dash_clientside?.set_props || !byId("shell")) return;
    const { bsTheme: theme, updown, keys } = root.dataset;
    window.dash_clientside.set_props("shell-look", { data: { theme, updown, keys } });
  }

  function switchTheme() {
    setLook(root.dataset.bsTheme === "light" ? "dark" : "light", root.dataset.updown || "teal-vermillion");
  }

  /* ---- clock ------------------------------------------------------------ */

  function showClock() {
    const clock = byId("clock");
    if (!clock) return;
    const text = `${window.boltTimes.full(new Date())} UTC`;
    if (clock.textContent !== text) clock.textContent = text;
    clock.title = window.boltTimes.said(new Date()) || "You keep UTC";
  }

  /* ---- toasts ----------------------------------------------------------- */

  const TOAST_ICONS = { ok: "check-circle", warn: "exclamation-triangle", bad: "x-circle", plain: "info-circle" };
  const TOAST_TONES = { ok: "good", warn: "warn", bad: "bad", plain: "t3" };

  function toast(given) {
    const place = byId("toasts");
    if (!place || !given) return;
    const kind = TOAST_ICONS[given.kind] ? given.kind : "plain";
    const box = element("div", `toast-b ${kind}`);
    box.setAttribute("role", kind === "bad" ? "alert" : "status");
    const sign = element("span", TOAST_TONES[kind]);
    sign.append(element("i", `icon i-${TOAST_ICONS[kind]}`));
    const words = element("div", "words");
    words.append(element("b", "", given.title));
    if (given.text) words.append(element("span", "", given.text));
    if (given.href && given.href.startsWith("/")) {
      const link = element("a", "", "Open");
      link.href = given.href;
      words.append(" ", link);
    }
    if (given.reference) words.append(element("code", "reference", given.reference));
    const close = element("button", "x");
    close.setAttribute("aria-label", "Close this notice");
    close.append(element("i", "icon s i-x-lg"));
    close.addEventListener("click", () => box.remove());
    box.append(sign, words, close);
    place.append(box);
    while (place.children.length > 4) place.firstElementChild.remove();
    if (kind !== "bad") leaveLater(box);
  }

  function leaveLater(box) {
    let timer = setTimeout(() => box.remove(), TOAST_MS);
    box.addEventListener("mouseenter", () => clearTimeout(timer));
    box.addEventListener("mouseleave", () => { timer = setTimeout(() => box.remove(), TOAST_MS); });
  }

  /* ---- dialogs and menus ------------------------------------------------- */

  function open(name) {
    const dialog = byId(name);
    if (!dialog || dialog.open) return;
    document.querySelectorAll("dialog[open]").forEach((other) => other.close());
    dialog.showModal();
    if (name === "palette") startPalette(dialog);
  }

  function closeMenus(except) {
    document.querySelectorAll("details.drop[open]").forEach((menu) => { if (menu !== except) menu.open = false; });
  }

  function closeAll() {
    document.querySelectorAll("dialog.floating[open]").forEach((dialog) => dialog.close());
    closeMenus(null);
  }

  function signOut() {
    const config = JSON.parse(byId("_dash-config")?.textContent || "{}");
    const form = element("form");
    form.method = "post";
    form.action = "/logout";
    const token = element("input");
    token.type = "hidden";
    token.name = "csrf_token";
    token.value = cookie(config.csrf_token_name || "_csrf_token");
    form.append(token);
    document.body.append(form);
    form.submit();
  }

  /* Keys of a single character can be switched off: speech input and slips of a hand would press them (WCAG 2.1.4). */
  function showSingleKeys() {
    document.querySelector('[data-action="single-keys"]')?.setAttribute("aria-checked", String(root.dataset.keys !== "off"));
  }

  function switchSingleKeys() {
    root.dataset.keys = root.dataset.keys === "off" ? "on" : "off";
    showSingleKeys();
    keepLook();
  }

  function openShortcuts() {
    showSingleKeys();
    open("shortcuts");
  }

  const ACTIONS = {
    palette: () => open("palette"),
    shortcuts: openShortcuts,
    "single-keys": switchSingleKeys,
    more: () => open("more"),
    theme: switchTheme,
    close: closeAll,
    "sign-out": signOut,
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    closeMenus(event.target.closest("details.drop"));
    if (button && ACTIONS[button.dataset.action]) {
      const keepOpen = button.dataset.action === "theme";
      if (!keepOpen) closeMenus(null);
      ACTIONS[button.dataset.action]();
      return;
    }
    if (event.target.matches("dialog.floating")) event.target.close(); // the scrim
    if (event.target.closest("dialog.floating a, details.drop a")) closeAll();
  });

  /* ---- command palette ----------------------------------------------------- */

  const hits = () => Array.from(document.querySelectorAll("#palette .it"));

  function startPalette(dialog) {
    const input = dialog.querySelector("input");
    if (!input) return;
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-controls", "shell-palette-results");
    input.setAttribute("aria-expanded", "true");
    input.setAttribute("aria-label", "Search markets and pages");
    input.focus();
    input.select();
    choose(0);
  }

  function choose(index) {
    const all = hits();
    all.forEach((hit, k) => {
      hit.id = `palette-hit-${k}`;
      hit.setAttribute("role", "option");
      hit.setAttribute("aria-selected", String(k === index));
      hit.classList.toggle("on", k === index);
    });
    const chosen = all[index];
    document.querySelector("#palette input")?.setAttribute("aria-activedescendant", chosen ? chosen.id : "");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  function paletteKey(event) {
    const all = hits();
    const now = all.findIndex((hit) => hit.classList.contains("on"));
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (all.length) choose((now + step + all.length) % all.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      (all[now] || all[0])?.click();
    }
  }

  new MutationObserver((changes) => {
    if (changes.some((change) => change.target.id === "shell-palette-results")) choose(0);
  }).observe(root, { childList: true, subtree: true });

  /* ---- keyboard: the sheet of shortcuts is the registry --------------------- */

  let pending = "";
  let pendingTimer = 0;
  const typing = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

  function pressed(event) {
    const key = event.key;
    const words = [];
    if (event.ctrlKey || event.metaKey) words.push("Ctrl");
    if (event.shiftKey && /^[a-z]$/i.test(key)) words.push("Shift");
    words.push(words.length ? key.toUpperCase() : key);
    return words.join(" ");
  }

  function run(action) {
    if (action.startsWith("/")) {
      const link = document.querySelector(`.sidenav a[href="${action}"]`);
      if (link) link.click(); else location.assign(action);
    } else if (ACTIONS[action]) {
      ACTIONS[action]();
    }
  }

  document.addEventListener("keydown", (event) => {
    if (event.target.closest?.("#palette")) return paletteKey(event);
    if (event.key === "Escape") return closeMenus(null);
    const keys = pressed(event);
    if ((typing(event.target) && keys !== "Ctrl K") || event.altKey) return;
    if (document.querySelector("dialog[open]") && keys !== "Ctrl K") return;
    if (root.dataset.keys === "off" && !keys.startsWith("Ctrl")) return;
    const rows = Array.from(document.querySelectorAll("[data-keys]"));
    const exact = (wanted) => rows.find((row) => row.dataset.keys === wanted);
    const row = (pending && exact(`${pending} ${keys}`)) || exact(keys);
    clearTimeout(pendingTimer);
    pending = "";
    if (row) {
      event.preventDefault();
      run(row.dataset.run);
    } else if (rows.some((other) => other.dataset.keys.startsWith(keys + " "))) {
      pending = keys;
      pendingTimer = setTimeout(() => { pending = ""; }, 900);
    }
  });

  /* ---- word of a lost server or an ended session ------------------------------ */

  let failures = 0;

  function banner(kind) {
    let bar = byId("connection");
    if (!kind) return bar?.remove();
    if (bar && bar.dataset.kind === kind) return;
    bar?.remove();
    bar = element("div", "connection");
    bar.id = "connection";
    bar.dataset.kind = kind;
    bar.setAttribute("role", "alert");
    bar.append(element("i", "icon i-cloud-slash"));
    if (kind === "signed-out") {
      bar.append(element("span", "", "Your session has ended."));
      const link = element("a", "btn btn-primary btn-sm", "Sign in again");
      link.href = "/login?next=" + encodeURIComponent(location.pathname + location.search);
      bar.append(link);
    } else {
      bar.append(element("span", "", "Bolt does not answer. What you see may be old; trying again."));
    }
    document.body.append(bar);
  }

  /* Dash reads what a refusal says twice, for a token that has run out and for its list of errors; a body is read once. */
  function readAgain(response) {
    let said = null;
    response.text = () => (said = said || response.clone().text());
  }

  const plainFetch = window.fetch;
  window.fetch = async function (resource, options) {
    const address = String(resource?.url || resource);
    const ours = address.includes("/_dash-");
    try {
      const response = await plainFetch.call(this, resource, options);
      if (ours) {
        if (!response.ok) readAgain(response);
        failures = response.status >= 502 ? failures + 1 : 0;
        if (response.status === 401) banner("signed-out");
        else if (failures > 1) banner("silent");
        else if (failures === 0) banner(null);
      }
      return response;
    } catch (error) {
      if (ours && error.name !== "AbortError" && ++failures > 1) banner("silent");
      throw error;
    }
  };

  /* ---- functions that Dash calls ----------------------------------------------- */

  function markLinks(pathname) {
    const word = (pathname || "/").split("/")[1];
    const here = word ? `at-${word.replaceAll("-", "_")}` : "at-home";
    let wide = false;
    document.querySelectorAll(".sidenav a, .bottomnav a").forEach((link) => {
      const current = link.classList.contains(here);
      if (current) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
      wide = wide || (current && link.classList.contains("wide"));
    });
    return wide;
  }

  const shell = {
    route(pathname) {
      closeAll();
      return markLinks(pathname) ? "app nav-min" : "app";
    },
    toast(data) {
      (Array.isArray(data) ? data : [data]).forEach(toast);
    },
  };
  window.dash_clientside = Object.assign(window.dash_clientside || {}, { shell });
  window.dashTvlwcFunctions = window.dashTvlwcFunctions || {};
  window.bolt = { toast, setLook, closeAll, element };

  setInterval(showClock, 1000);
})();
