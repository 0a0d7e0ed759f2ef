// How numbers and dates are written, as the page's server told it (core/locales.py), so that both write the same.
(() => {
  "use strict";

  const MINUS = "\u2212";
  const DASH = "\u2014";
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const PLAIN = { tag: "en-GB", decimal: ".", group: ",", date: "{d} {b} {y}", day: "{d} {b}" };
  const told = document.documentElement.dataset.writing;
  const writing = { ...PLAIN, ...(told ? JSON.parse(told) : {}) };
  const signs = { ".": writing.decimal, ",": writing.group };
  const writers = []; // by decimals: making one takes longer than all it writes in a frame

  /* `1,234.50` with the signs that were chosen. */
  const signed = (plain) => plain.replace(/[.,]/g, (sign) => signs[sign]);

  function number(value, decimals) {
    if (value === null || value === undefined || !isFinite(value)) return DASH;
    const fixed = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    const writer = (writers[decimals] = writers[decimals] || new Intl.NumberFormat("en-US", fixed));
    const plain = writer.format(Math.abs(value));
    return (value < 0 && /[1-9]/.test(plain) ? MINUS : "") + signed(plain);
  }

  const two = (n) => String(n).padStart(2, "0");

  function put(pattern, at) {
    const [d, m, y] = [at.getUTCDate(), at.getUTCMonth(), at.getUTCFullYear()];
    const parts = { d, dd: two(d), mm: two(m + 1), b: MONTHS[m], y };
    return pattern.replace(/\{(\w+)\}/g, (_all, name) => parts[name]);
  }

  /* `30 Dec 2024` and `30 Dec`, UTC. */
  const date = (at) => put(writing.date, at);
  const day = (at) => put(writing.day, at);

  /* Where a date with its time stands in a text: milliseconds since 1970, or null. */
  const names = [...writing.date.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
  const shapes = { b: "([A-Z][a-z]{2})", y: "(\\d{4})" };
  const shape = writing.date.replace(/[.]|\{(\w+)\}/g, (_all, name) => (name ? shapes[name] || "(\\d{1,2})" : "\\."));
  const SAID = new RegExp(`(?<!\\d)${shape},? (\\d{2}):(\\d{2}) UTC`);

  function moment(text) {
    const found = SAID.exec(text || "");
    if (!found) return null;
    const part = Object.fromEntries(names.map((name, k) => [name, found[k + 1]]));
    const month = part.b ? MONTHS.indexOf(part.b) : Number(part.mm) - 1;
    return Date.UTC(Number(part.y), month, Number(part.d || part.dd), Number(found[4]), Number(found[5]));
  }

  window.boltLocale = { ...writing, MONTHS, number, signed, date, day, moment };
})();
