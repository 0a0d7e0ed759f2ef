/* What a person keeps of this page (drawings, layouts, choices), and the steps still on their way to the server.

   Steps go in order, one message at a time; the next leaves once the one before was answered, so that a change never
   overtakes another. Dash throws an answer away whose store is not on the page any more, and of two answers in one
   store it tells the later one alone. So these answers have a store of their own, and a page that opens sends anew what
   was on its way when the one before was left. Beyond that a message without an answer is sent again after a while:
   every step may be done twice. */
(function () {
  "use strict";

  const charts = window.boltCharts;
  const client = (window.dash_clientside = window.dash_clientside || {});
  const kept = (charts.kept = { market: null, drawings: [], layouts: [], settings: {} });
  const patience = (charts.patience = { ms: 8000 }); // without an answer for so long, a message is sent again
  const TRIES = 5;
  const MOST = 50; // steps in a message
  const RECENT = 8;
  const queue = [];
  let flying = null; // { n, ops, at, tries }
  let count = 0;
  let known = false; // whether the server has told what is kept
  let shown = null; // the market that was drawn last

  const here = () => document.getElementById("charts-page");

  function post() {
    Object.assign(flying, { at: Date.now(), tries: flying.tries + 1 });
    client.set_props("charts-ops", { data: { n: flying.n, ops: flying.ops, at: flying.at } });
  }

  function flush() {
    if (flying || !queue.length || !here()) return;
    flying = { n: `${Date.now()}-${(count += 1)}`, ops: queue.splice(0, MOST), at: 0, tries: 0 };
    post();
  }

  setInterval(() => {
    if (!here()) return;
    if (!flying) flush();
    else if (Date.now() - flying.at < patience.ms) return;
    else if (flying.tries < TRIES) post();
    else flying = null; // the page has said that the server does not answer
  }, 1000);

  /* The page has opened: nobody hears the answer to what another one has sent. */
  charts.reopened = function () {
    if (flying) post();
    else flush();
  };

  /* Steps that the server has not answered yet. */
  charts.unsent = () => queue.length + (flying ? flying.ops.length : 0);

  charts.send = function (op) {
    queue.push(op);
    flush();
  };

  charts.settle = function (changes) {
    Object.assign(kept.settings, changes);
    charts.send({ op: "settings", changes });
  };

  /* Markets looked at come first in the search. */
  charts.visited = function (path) {
    shown = path;
    if (!known) return; // a frame can be here before the list that this market joins
    const before = kept.settings.recent || [];
    if (before[0] === path) return;
    charts.settle({ recent: [path, ...before.filter((one) => one !== path)].slice(0, RECENT) });
  };

  /* Word from the server: as a view opens, and after each message. */
  charts.take = function (told) {
    if (!told) return;
    if (told.ack) {
      if (!flying || told.ack !== flying.n) return;
      flying = null;
    }
    const idle = !flying && !queue.length;
    if (told.layouts) kept.layouts = told.layouts;
    if (told.settings && idle) kept.settings = told.settings;
    if (told.drawings && (idle || told.market !== kept.market)) Object.assign(kept, { market: told.market, drawings: told.drawings });
    if (charts.redrawn) charts.redrawn();
    if (!known) {
      known = true;
      if (shown) charts.visited(shown);
    }
    flush();
  };
})();
