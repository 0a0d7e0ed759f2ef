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

  /** Reload the grid `id`: from the first row where the search changed, in place otherwise. */
  function reload(id) {
    const grid = id && api(id);
    if (!grid) return;
    const searched = (client.callback_context.triggered || []).some(({ prop_id: name }) => name.endsWith(".value"));
    if (searched) grid.purgeInfiniteCache();
    else grid.refreshInfiniteCache();
  }

  client.admin = {
    jobs: (_text, _ticks, _changed, id) => reload(id),
    users: (_text, _changed, id) => reload(id),
    events: (_text, _result, _action, _person, _since, _until, id) => reload(id),
  };
})();
