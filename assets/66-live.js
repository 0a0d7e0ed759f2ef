/* Live prices: one stream of server-sent events for all tabs of a browser.

   `boltLive.want(name, fn)`: `fn()` lists the markets, such as `binance/BTC-USDT`, that a page shows now; it is asked
   again every few seconds, and a later `fn` of the same name replaces it. `boltLive.listen(fn)` hears every tick and
   returns how to stop; `boltLive.ticks` holds the last tick of each market. A tick has `market`, `price`, `change` (of
   24 hours, 0.01 is one percent; null where it is not told), `time` (of the exchange, ms), `at` (when it came, ms),
   `source` and `bars` by timeframe: open time in ms, open, high, low, close, volume.

   The tab that holds the lock `bolt-live` keeps the stream and tells the others over a BroadcastChannel. Where a browser
   has no locks (plain HTTP), each tab has a stream. While it is cut, pages go on by their ordinary refresh. */
(function () {
  "use strict";

  const SAY_MS = 5000; // between two words of a tab about what it shows
  const GONE_MS = 90000; // a tab not heard of for so long is gone; hidden ones speak once a minute
  const DEAF_MS = 12000; // a stream without a beat for so long is cut: two beats
  const MOST = 50; // markets of one stream
  const PAUSES = [2000, 4000, 8000, 16000, 30000];
  const ME = Math.random().toString(36).slice(2);

  const live = (window.boltLive = { source: null, last: "", leads: false, ticks: new Map(), opened: 0 });
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("bolt-live") : null;
  const wishes = new Map(); // name -> fn
  const listeners = new Set();
  const tabs = new Map(); // tab -> { markets, at }

  /* ---- what pages ask for ---------------------------------------------------------------------------------------------- */
  function tried(fn, given) {
    try {
      return fn(given);
    } catch (error) {
      setTimeout(() => { throw error; }); // one page's fault is told, and stops no other's prices
      return null;
    }
  }

  function shown() {
    const markets = [...wishes.values()].flatMap((fn) => tried(fn) || []);
    return [...new Set(markets)].slice(0, MOST);
  }

  live.want = function (name, fn) {
    wishes.set(name, fn);
    live.look();
  };

  live.listen = function (fn) {
    listeners.add(fn);
    return () => listeners.delete(fn);
  };

  /* What is shown has changed: ask for it now. */
  live.look = function () {
    keep();
    say();
  };

  function take(tick) {
    const before = live.ticks.get(tick.market);
    if (before && before.time > tick.time) return;
    const kept = { ...tick, at: tick.at || Date.now() };
    live.ticks.set(tick.market, kept);
    for (const fn of listeners) tried(fn, kept);
  }

  /* ---- the stream, in the tab that leads ---------------------------------------------------------------------------- */
  let following = "";
  let failures = 0;
  let retryAt = 0;
  let heard = 0; // when the last event came

  function wanted() {
    const now = Date.now();
    tabs.set(ME, { markets: shown(), at: now });
    for (const [tab, { at }] of tabs) if (now - at > GONE_MS) tabs.delete(tab);
    return [...new Set([...tabs.values()].flatMap((tab) => tab.markets))].slice(0, MOST).sort().join(",");
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
      const tick = { ...JSON.parse(event.data), at: heard };
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

  /* ---- the other tabs ---------------------------------------------------------------------------------------------------- */
  function say() {
    if (channel && !live.leads) channel.postMessage({ tab: ME, markets: shown() });
  }

  /* A tab that begins to show a market has its last price at once, not with the next tick. */
  function recall(markets) {
    for (const market of markets) {
      if (live.ticks.has(market)) channel.postMessage({ tick: live.ticks.get(market) });
    }
  }

  if (channel) {
    channel.onmessage = ({ data }) => {
      if (data.tick && !live.leads) take(data.tick);
      if (!data.tab) return;
      const before = tabs.get(data.tab);
      if (data.gone) tabs.delete(data.tab);
      else tabs.set(data.tab, { markets: data.markets, at: Date.now() });
      if (live.leads && !data.gone) recall(data.markets.filter((market) => !before || !before.markets.includes(market)));
      keep();
    };
    window.addEventListener("pagehide", () => channel.postMessage({ tab: ME, gone: true }));
  }
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => event.persisted && keep());

  setInterval(keep, 1000);
  setInterval(say, SAY_MS);
})();
