// The admin desk: its grids fetch their rows again when the search changes, something was changed, or time passes.
(() => {
  "use strict";

  const client = (window.dash_clientside = window.dash_clientside || {});

  function api(id) {
    try {
      return window.dash_ag_grid ? window.dash_ag_grid.getApi(id) : null;
    } catch {
      return null; // the grid is not drawn yet, and will ask by itself
    }
  }

  const NARROW = window.matchMedia("(max-width: 575.98px)");
  const fitted = new Set();

  /** On phones the columns that matter least are left out; the chosen row tells them below its table. */
  function fit(id) {
    const grid = id && api(id);
    if (!grid) return;
    fitted.add(id);
    const wide = (grid.getColumns() || []).filter((column) => (column.getColDef().context || {}).wide);
    grid.setColumnsVisible(wide.map((column) => column.getColId()), !NARROW.matches);
  }

  NARROW.addEventListener("change", () => fitted.forEach(fit));

  /** Reload the grid `id`: from the first row where the search changed, in place otherwise. */
  function reload(id) {
    const grid = id && api(id);
    if (!grid) return;
    const searched = (client.callback_context.triggered || []).some(({ prop_id: name }) => name.endsWith(".value"));
    if (searched) grid.purgeInfiniteCache();
    else grid.refreshInfiniteCache();
  }

  window.dashAgGridFunctions = window.dashAgGridFunctions || {};
  window.dashAgGridFunctions.leaveGrid = () => false; // the browser's own next place

  client.admin = {
    jobs: (_text, _ticks, _changed, id) => reload(id),
    users: (_text, _changed, id) => reload(id),
    fit: (_rows, id) => fit(id),
    events: (_text, _result, _action, _person, _since, _until, id) => reload(id),
  };
})();
