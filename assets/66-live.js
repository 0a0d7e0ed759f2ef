/* Live prices: one stream of server-sent events for all tabs of a browser, and what the Charts page does with a tick.

   The tab that holds the lock `bolt-live` keeps the stream and tells the others over a BroadcastChannel; each tab says
   which market it shows. Where a browser has no locks (plain HTTP), each tab has a stream. When it is cut, the page goes
   on by its ordinary refresh every ten seconds. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const page = charts.page;
  const { number, short, change } = charts;
  const SAY_MS = 5000; // between two words of a tab about what it shows
  const GONE_MS = 90000; // a tab not heard of for so long is gone; hidden ones speak once a minute
  const DEAF_MS = 12000; // a stream without a beat for so long is cut: two beats
  const STALE_MS = 10000; // a price older than this is stale: two beats
  const PAUSES = [2000, 4000, 8000, 16000, 30000];
  const ME = Math.random().toString(36).slice(2);

  const live = (window.boltLive = { source: null, last: "", leads: false, ticks: new Map(), opened: 0 });
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("bolt-live") : null;
  const tabs = new Map(); // tab -> { markets, at }
  const find = (id) => document.getElementById(id);
  const shown = () => (page.frame && page.frame.live && find("charts-chart") ? [page.frame.market] : []);

  /* ---- the stream, in the tab that leads ---------------------------------------------------------------------------- */
  let following = "";
  let failures = 0;
  let retryAt = 0;
  let heard = 0; // when the last event came

  function wanted() {
    const now = Date.now();
    tabs.set(ME, { markets: shown(), at: now });
    for (const [tab, { at }] of tabs) if (now - at > GONE_MS) tabs.delete(tab);
    return [...new Set([...tabs.values()].flatMap((tab) => tab.markets))].sort().slice(0, 50).join(",");
  }

  function close() {
    if (live.source) live.source.close();
    live.source = null;
    following = "";
  }

  function fail() {
    close();
    retryAt = Date.now() + PAUSES[Math.min(failures, PAUSES.length - 1)];
    failures += 1;
  }

  function open(markets) {
    close();
    following = markets;
    live.opened += 1;
    heard = Date.now();
    const after = live.last ? `&last=${live.last}` : "";
    const source = (live.source = new EventSource(`/stream?markets=${encodeURIComponent(markets)}${after}`));
    source.addEventListener("beat", () => {
      heard = Date.now();
      failures = 0;
    });
    source.addEventListener("tick", (event) => {
      heard = Date.now();
      if (event.lastEventId) live.last = event.lastEventId;
      const tick = JSON.parse(event.data);
      take(tick);
      if (channel) channel.postMessage({ tick });
    });
    source.addEventListener("end", () => {
      fail();
      retryAt = Date.now() + PAUSES[PAUSES.length - 1];
    });
    source.onerror = () => {
      if (source === live.source) fail(); // with our own pauses: the browser's would ask again for ever
    };
  }

  function keep() {
    if (!live.leads) return;
    const markets = wanted();
    if (live.source && Date.now() - heard > DEAF_MS) fail();
    if (!markets) return close();
    if (markets !== following && Date.now() >= retryAt) {
      if (!markets.split(",").every((market) => following.split(",").includes(market))) live.last = "";
      open(markets); // a market that is new begins with its last price
    }
    return undefined;
  }

  function lead() {
    live.leads = true;
    keep();
  }

  if (channel && navigator.locks) {
    navigator.locks.request("bolt-live", () => {
      lead();
      return new Promise(() => {}); // held until this tab closes
    });
  } else {
    lead();
  }

  function say() {
    if (channel && !live.leads) channel.postMessage({ tab: ME, markets: shown() });
  }

  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data.tick && !live.leads) take(data.tick);
      if (data.tab) {
        if (data.gone) tabs.delete(data.tab);
        else tabs.set(data.tab, { markets: data.markets, at: Date.now() });
        keep();
      }
    };
    window.addEventListener("pagehide", () => channel.postMessage({ tab: ME, gone: true }));
  }
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && keep());

  /* ---- a tick on the Charts page --------------------------------------------------------------------------------------- */
  function take(tick) {
    const before = live.ticks.get(tick.market);
    if (before && before.time > tick.time) return;
    live.ticks.set(tick.market, { ...tick, at: Date.now() });
    if (page.frame && page.frame.market === tick.market) draw();
  }

  /* The bar that forms behind the newest one drawn, in the timeframe shown; null where none belongs there. */
  function forming() {
    const { frame, columns } = page;
    const tick = frame && frame.live && frame.complete && columns && live.ticks.get(frame.market);
    if (!tick || !find("charts-chart") || columns.times.step !== frame.tf_ms || !columns.close.length) return null;
    const bar = tick.bars[frame.tf];
    const slot = bar ? (bar[0] - columns.times.first) / columns.times.step : -1;
    const newest = columns.times.at[columns.times.at.length - 1];
    if (!Number.isInteger(slot) || slot <= newest) return null;
    return { tick, slot, time: bar[0] / 1000, open: bar[1], high: bar[2], low: bar[3], close: bar[4], volume: bar[5] };
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue("--" + name).trim();
  }

  function draw() {
    const bar = forming();
    if (!bar) return;
    const { time, open: opened, high, low, close: closed, volume } = bar;
    const hue = colours()(closed >= opened ? "up-fill" : "down-fill");
    const n = parseInt(hue.slice(1), 16);
    const faint = `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, 0.4)`;
    window.dash_clientside.set_props("charts-chart", {
      tick: [
        { id: "price", bar: { time, open: opened, high, low, close: closed } },
        { id: "volume", bar: { time, value: volume, color: faint } },
      ],
    });
    if (page.pointed === null) legend(bar);
    header(bar.tick);
    badge();
  }

  /* The legend's first row tells of the forming bar while it is in view and the crosshair is elsewhere. */
  function legend(bar) {
    const row = document.querySelector("#charts-legend:not(.is-pointed) .row1");
    if (!row || (page.logical && bar.slot > page.logical.to)) return;
    const values = row.querySelectorAll("b");
    if (values.length < 6) return;
    const price = (value) => number(value, page.frame.decimals);
    const moved = change(page.columns.close[page.columns.close.length - 1], bar.close);
    const texts = [price(bar.open), price(bar.high), price(bar.low), price(bar.close), moved.text, short(bar.volume)];
    texts.forEach((text, k) => {
      if (values[k].textContent !== text) values[k].textContent = text;
    });
    values[4].className = moved.sign > 0 ? "up" : moved.sign < 0 ? "down" : "";
    const when = row.querySelector(".when");
    if (when) when.remove(); // the time of the newest closed bar
  }

  function header(tick) {
    const holder = document.querySelector("#charts-head .px");
    if (holder && holder.firstChild) holder.firstChild.nodeValue = number(tick.price, page.frame.decimals);
  }

  /* ---- how old the price is --------------------------------------------------------------------------------------------- */
  function badge() {
    const holder = document.querySelector(".chart-age");
    const tick = page.frame && page.frame.live && live.ticks.get(page.frame.market);
    if (!holder) return;
    let mark = holder.querySelector(".live-age");
    if (!tick) return void (mark && mark.remove());
    if (!mark) {
      mark = document.createElement("span");
      mark.className = "live-age";
      holder.prepend(mark);
    }
    const age = Date.now() - tick.at;
    const stale = age > STALE_MS;
    const text = stale ? `Stale: no price for ${Math.round(age / 1000)} s` : "Live";
    if (mark.textContent !== text) mark.textContent = text;
    mark.classList.toggle("warn", stale);
  }

  /* ---- a chart that is drawn anew has its forming bar again ------------------------------------------------------------------- */
  const drawFrame = charts.draw;
  charts.draw = function () {
    drawFrame();
    setTimeout(draw, 0); // when the series stand
    keep();
    say();
  };
  const drawLegend = charts.legend;
  charts.legend = function (index) {
    drawLegend(index);
    const bar = index === null ? forming() : null;
    if (bar) legend(bar);
  };

  setInterval(() => {
    keep();
    badge();
  }, 1000);
  setInterval(say, SAY_MS);
})();
