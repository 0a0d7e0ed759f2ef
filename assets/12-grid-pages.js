// The table library of the admin desk is large, and nobody else needs it: pages load it only where they begin there.
(() => {
  "use strict";

  const NEEDS = /^\/admin(\/|$)/;
  const missing = (path) => NEEDS.test(path) && !window.dash_ag_grid && document.getElementById("react-entry-point");

  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href]");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (!missing(link.pathname) || link.pathname.endsWith(".csv")) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // before Dash would draw tables it has no code for
    location.assign(link.href);
  }, true);

  window.addEventListener("popstate", (event) => {
    if (!missing(location.pathname)) return;
    event.stopImmediatePropagation();
    location.reload();
  }, true);
})();
