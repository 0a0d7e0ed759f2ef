/* The symbol search: what is typed need not be exact; markets looked at last come first. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const { page, find, element, field, open } = charts;
  let pick = null; // what a chosen market is for

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

  /* A coin's name counts from the beginning of a word of it: "cash" is Bitcoin Cash, and "ether" is not Tether. */
  function named(coin, wanted) {
    if (wanted.length < 3 || !coin) return null;
    const words = coin.toLowerCase().split(/[^a-z0-9]+/);
    const at = words.findIndex((word, k) => letters(words.slice(k).join("")).startsWith(wanted));
    return at < 0 ? null : letters(coin) === wanted ? 0 : 1 + at;
  }

  function hits(text) {
    const wanted = letters(text);
    const scored = page.markets.map((market) => {
      const symbol = letters(market.symbol);
      const whole = letters(market.exchange) + symbol;
      const best = [score(symbol, wanted), score(whole, wanted), named(market.coin, wanted)].filter((s) => s !== null);
      return { market, rank: best.length ? Math.min(...best) : null };
    });
    const recent = charts.kept.settings.recent || [];
    const age = (market) => (recent.includes(market.path) ? recent.indexOf(market.path) : recent.length);
    const fitting = scored.filter((s) => s.rank !== null && s.market.path !== page.without);
    return fitting.sort((a, b) => a.rank - b.rank || age(a.market) - age(b.market)).slice(0, 12).map((s) => s.market);
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
      item.append(element("b", "", market.symbol), element("span", "", [market.coin, market.exchange].filter(Boolean).join(" \u00b7 ")));
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

  /* `run(path)` gets the market; without one the chart shows it. `without` leaves a market out. */
  function search(text = "", { run = null, from = null, without = null } = {}) {
    pick = run;
    page.without = without;
    const shown = from || [...document.querySelectorAll('[data-charts="search"]')].find((b) => b.offsetParent);
    const wanted = field("charts-search-text", {
      role: "combobox", "aria-label": run ? "Search a market to compare with" : "Search a market", "aria-expanded": "true", "aria-controls": "charts-search-list",
      "aria-autocomplete": "list", placeholder: "Symbol or coin, such as btcusd",
    });
    const options = Object.assign(element("ul"), { id: "charts-search-list" });
    options.setAttribute("role", "listbox");
    options.setAttribute("aria-label", "Markets");
    open("charts-search", shown).replaceChildren(wanted, options);
    wanted.value = text;
    list(text);
    wanted.focus();
  }

  function take(path) {
    const run = pick;
    charts.close(false);
    pick = null;
    if (run) run(path);
    else charts.ask({ market: path }, { keep: false });
  }

  /* Keys in its field; true where it took one. */
  function searchKey(event) {
    if (event.key === "ArrowDown") choose(1);
    else if (event.key === "ArrowUp") choose(-1);
    else if (event.key === "Enter") {
      const chosen = document.querySelector('#charts-search-list [aria-selected="true"]');
      if (chosen) take(chosen.dataset.value);
    } else return false;
    return true;
  }

  document.addEventListener("input", (event) => {
    if (event.target.id === "charts-search-text") list(event.target.value);
  });

  Object.assign(charts, { search, searchKey, takeMarket: take, letters });
})();
