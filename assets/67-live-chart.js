/* What the Charts page does with a tick: the forming bar, the legend, the price in the header, and how old it is.
   None of it asks the server anything; only when a bar closes is the page refreshed at once, for its indicators' sake.
   What they are at the bar that forms is asked by 68-charts-forming.js. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const live = window.boltLive;
  const page = charts.page;
  const { number, short, change } = charts;
  const STALE_MS = { stream: 10000, candles: 120000 }; // older than two intervals: beats, or minutes that are stored
  const AGAIN_MS = [300, 1500, 3500, 6000, 9000]; // after a bar has closed, until it is stored
  const find = (id) => document.getElementById(id);
  const market = () => (page.frame && page.frame.live && find("charts-chart") ? page.frame.stream : null);
  const lastTick = () => live.ticks.get(market());

  live.want("charts", () => [market()].filter(Boolean));
  live.listen((tick) => {
    if (market() !== tick.market) return;
    noteClosing(tick);
    draw();
  });

  /* ---- a bar that has closed is asked for at once -------------------------------------------------------------------------- */
  const running = { of: "", opened: 0 };

  function noteClosing(tick) {
    const { frame } = page;
    const of = `${tick.market}@${frame.tf}`;
    const opened = tick.bars[frame.tf] ? tick.bars[frame.tf][0] : 0;
    const closed = running.of === of && running.opened > 0 && opened > running.opened;
    Object.assign(running, { of, opened });
    if (closed && frame.complete) for (const ms of AGAIN_MS) setTimeout(() => refresh(of, opened), ms);
  }

  function refresh(of, end) {
    if (!market() || of !== `${market()}@${page.frame.tf}` || page.frame.end >= end) return;
    const before = window.dash_component_api.getLayout("charts-tick", "n_intervals") || 0;
    window.dash_clientside.set_props("charts-tick", { n_intervals: before + 1 });
  }

  /* The bar that forms behind the newest one drawn, in the timeframe shown, or in place of that one where it is made of
     what is stored of it so far; null where none belongs there. `before` is the index of the bar before it. */
  function forming() {
    const { frame, columns } = page;
    const tick = frame && frame.complete && columns && lastTick();
    if (!tick || columns.times.step !== frame.tf_ms || !columns.close.length) return null;
    const bar = tick.bars[frame.tf];
    const slot = bar ? (bar[0] - columns.times.first) / columns.times.step : -1;
    const newest = columns.times.at[columns.times.at.length - 1];
    const begun = slot === newest && bar[0] + columns.times.step > frame.end;
    if (!Number.isInteger(slot) || (slot <= newest && !begun)) return null;
    const before = columns.close.length - (begun ? 2 : 1);
    return { tick, slot, before, time: bar[0] / 1000, open: bar[1], high: bar[2], low: bar[3], close: bar[4], volume: bar[5] };
  }

  function draw() {
    const bar = forming();
    if (!bar) return;
    const { time, open: opened, close: closed, volume } = bar;
    const faint = charts.faded(charts.colours()(closed >= opened ? "up-fill" : "down-fill"), 0.4);
    window.dash_clientside.set_props("charts-chart", {
      tick: [
        ...charts.priceTicks(bar),
        { id: "volume", bar: { time, value: volume, color: faint } },
        ...charts.lineTicks(bar),
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
    const moved = change(bar.before < 0 ? bar.open : page.columns.close[bar.before], bar.close);
    const texts = [price(bar.open), price(bar.high), price(bar.low), price(bar.close), moved.text, short(bar.volume)];
    texts.forEach((text, k) => {
      if (values[k].textContent !== text) values[k].textContent = text;
    });
    const traded = document.querySelector('#charts-pane-tags [data-pane="1"] b');
    if (traded && traded.textContent !== texts[5]) traded.textContent = texts[5];
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
    const tick = lastTick();
    if (!holder) return;
    let mark = holder.querySelector(".live-age");
    if (!tick) return void (mark && mark.remove());
    if (!mark) {
      mark = document.createElement("span");
      mark.className = "live-age";
      holder.prepend(mark);
    }
    const age = Date.now() - tick.at;
    const stored = tick.source === "candles";
    const stale = age > (stored ? STALE_MS.candles : STALE_MS.stream);
    const text = stale ? `Stale: no price for ${Math.round(age / 1000)} s` : stored ? "Once a minute" : "Live";
    if (mark.textContent !== text) mark.textContent = text;
    mark.classList.toggle("warn", stale);
  }

  /* ---- a chart that is drawn anew has its forming bar again ------------------------------------------------------------------- */
  const drawFrame = charts.draw;
  charts.draw = function () {
    drawFrame();
    setTimeout(draw, 0); // when the series stand
    live.look();
  };
  const drawLegend = charts.legend;
  charts.legend = function (index) {
    drawLegend(index);
    const bar = index === null ? forming() : null;
    if (bar) legend(bar);
  };

  setInterval(badge, 1000);
  Object.assign(charts, { forming, drawForming: draw });
})();
