/* Panes that are drawn again every few seconds replace what they hold: the control that had the keyboard gets it back. */
(() => {
  "use strict";

  let held = null; // what has the keyboard: the node, the id it stands under, and which of its namesakes there it is

  const named = (node) => node.getAttribute("aria-label") || node.getAttribute("href") || node.textContent.trim();

  function namesakes(home, tag, name) {
    return Array.from(home.getElementsByTagName(tag)).filter((other) => named(other) === name);
  }

  document.addEventListener("focusin", ({ target: node }) => {
    const home = node.parentElement?.closest("[id]");
    if (!home || !node.matches("a, button, summary")) return void (held = null);
    const name = named(node);
    held = { node, home: home.id, tag: node.tagName, name, place: namesakes(home, node.tagName, name).indexOf(node) };
  });

  /* A browser may say so of a node on its way out too: only one that stayed has been left. */
  document.addEventListener("focusout", ({ target: node }) => {
    queueMicrotask(() => { if (held?.node === node && node.isConnected) held = null; });
  });

  new MutationObserver(() => {
    if (!held || held.node.isConnected || document.activeElement !== document.body) return;
    const home = document.getElementById(held.home);
    if (home) namesakes(home, held.tag, held.name)[held.place]?.focus({ preventScroll: true });
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
