"""Every component id, one class per page: the words that layouts and callbacks share.

A pattern-matching id is a dict `{"type": ids.Page.WORD, "index": ...}`; its type stands here. Values begin with the
page's word, so that no two are alike.
"""


class Shell:
    """What stands around every page."""

    LOCATION = "_pages_location"  # Dash's own: the address
    CONTENT = "_pages_content"  # Dash's own: the page
    APP = "shell"
    TICK = "shell-tick"
    TOAST = "shell-toast"  # dcc.Store: one toast of `callbacks.toasts.toast`, or a list of them
    LOOK = "shell-look"  # dcc.Store: {"theme": "dark" | "light", "updown": …}; figures listen to it
    STATUS_DATA = "shell-status-data"
    STATUS_MODELS = "shell-status-models"
    STATUS_JOBS = "shell-status-jobs"
    PALETTE_QUERY = "shell-palette-query"
    PALETTE_RESULTS = "shell-palette-results"
