/* The import form of the Markets page: files go by plain multipart requests, one after the other. */
(function () {
  "use strict";

  const client = (window.dash_clientside = window.dash_clientside || {});
  const TIMEFRAMES = ["1m", "5m", "15m", "1h", "4h", "1d", "1w"];
  const QUOTES = ["USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI", "USD", "EUR", "GBP", "TRY", "BTC", "ETH", "BNB"];
  const EXCHANGES = ["binance", "coinbase", "kraken", "bybit", "okx", "kucoin", "bitstamp", "bitfinex", "gemini", "huobi"];

  const find = (id) => document.getElementById(id);

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function labelled(text, control, className = "") {
    const label = element("label", `form-label ${className}`.trim(), text);
    label.append(control);
    return label;
  }

  function input(name, value, placeholder) {
    return Object.assign(element("input", "form-control"), {
      name, value, placeholder, required: true, autocomplete: "off", spellcheck: false,
    });
  }

  /* What a file's name tells: binance_BTC_USDT-1h_2017-2021.csv.gz, BTCUSDT-15m.csv, eth-usd_1d.csv. */
  function guess(fileName) {
    const parts = fileName.replace(/\.(csv|gz|txt|zip|parquet)\b/gi, "").split(/[^A-Za-z0-9]+/).filter(Boolean);
    const found = { exchange: "", symbol: "", timeframe: "" };
    parts.forEach((part, k) => {
      const upper = part.toUpperCase();
      const next = (parts[k + 1] || "").toUpperCase();
      if (!found.timeframe && TIMEFRAMES.includes(part.toLowerCase())) found.timeframe = part.toLowerCase();
      else if (!found.exchange && EXCHANGES.includes(part.toLowerCase())) found.exchange = part.toLowerCase();
      else if (!found.symbol && QUOTES.includes(next) && /^[A-Z0-9]{2,10}$/.test(upper)) found.symbol = `${upper}/${next}`;
      else if (!found.symbol) {
        const quote = QUOTES.find((q) => upper.endsWith(q) && upper.length > q.length + 1);
        if (quote) found.symbol = `${upper.slice(0, -quote.length)}/${quote}`;
      }
    });
    return found;
  }

  function timeframes(value) {
    const select = Object.assign(element("select", "form-select"), { name: "timeframe", required: true });
    select.append(Object.assign(element("option", "", "Choose"), { value: "" }));
    for (const name of TIMEFRAMES) select.append(Object.assign(element("option", "", name), { value: name }));
    select.value = value;
    return select;
  }

  function row(file) {
    const told = guess(file.name);
    const line = element("fieldset", "drop-file");
    line.append(
      element("legend", "visually-hidden", file.name), element("b", "name trunc", file.name),
      labelled("Exchange", input("exchange", told.exchange, "binance")),
      labelled("Symbol", input("symbol", told.symbol, "BTC/USDT")),
      labelled("Timeframe", timeframes(told.timeframe)), element("span", "told"));
    line.querySelector(".told").setAttribute("role", "status");
    line.file = file;
    return line;
  }

  function tell(line, text, kind) {
    const holder = line.querySelector(".told");
    holder.textContent = text;
    holder.className = `told ${kind}`;
  }

  function token() {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith("_csrf_token="));
    return found ? decodeURIComponent(found.slice(12)) : "";
  }

  async function send(line, skipBad, oneCoin, mostMb) {
    if (line.file.size > mostMb * 1048576) return tell(line, `Larger than ${mostMb} MB. Split it, or use the command.`, "bad");
    const body = new FormData();
    for (const name of ["exchange", "symbol", "timeframe"]) body.append(name, line.elements[name].value);
    body.append("skip_bad", skipBad ? "1" : "0");
    body.append("one_coin", oneCoin ? "1" : "0");
    body.append("file", line.file);
    tell(line, "Sending", "t3");
    try {
      const answer = await fetch("/markets/import", { method: "POST", body, headers: { "X-CSRFToken": token() } });
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) return tell(line, "Handed over; its progress stands below", "good");
      return tell(line, said.sentence || `Bolt refused the file (${answer.status}). Try again.`, "bad");
    } catch {
      return tell(line, "Bolt does not answer. Try again in a moment.", "bad");
    }
  }

  function ticked(id, words) {
    const box = Object.assign(element("input", "form-check-input"), { type: "checkbox", id });
    const label = element("label", "form-check");
    label.append(box, element("span", "form-check-label", words));
    return [box, label];
  }

  function form(holder) {
    const made = element("form", "import");
    const files = Object.assign(element("input", "form-control"), {
      type: "file", multiple: true, required: true, accept: ".csv,.gz,.csv.gz,.zip,.parquet", id: "markets-files",
    });
    const [skip, check] = ticked("markets-skip", "Skip rows that are no candles, store the rest");
    const [joined, same] = ticked("markets-one-coin", "One coin on both sides of a long hole and a jump");
    const rows = element("div", "rows");
    const submit = Object.assign(element("button", "btn btn-primary", "Import files"), { type: "submit", disabled: true });
    const foot = element("div", "foot");
    foot.append(check, same, submit);
    made.append(labelled("Files", files, "files"), rows, foot);
    files.addEventListener("change", () => {
      rows.replaceChildren(...[...files.files].map(row));
      submit.disabled = !files.files.length;
    });
    made.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      submit.setAttribute("aria-busy", "true");
      for (const line of rows.children) {
        if (!line.querySelector(".told.good")) await send(line, skip.checked, joined.checked, Number(holder.dataset.mostMb));
      }
      submit.removeAttribute("aria-busy");
      submit.disabled = [...rows.children].every((line) => line.querySelector(".told.good"));
    });
    return made;
  }

  client.markets = {
    fields(id) {
      if (find(id)) find(id).replaceChildren(form(find(id)));
      return "1";
    },
    guess,
  };
})();
