"""Every component id, one class per page: the words that layouts and callbacks share.

A pattern-matching id is a dict `{"type": ids.Page.WORD, "index": ...}`; its type stands here. Values begin with the
page's word, so that no two are alike.
"""


class Shell:
    """What stands around every page."""

    LOCATION = "_pages_location"  # Dash's own: the address
    CONTENT = "_pages_content"  # Dash's own: the page
    TITLE = "_pages_store"  # Dash's own: what the browser's tab shows
    TITLE_SINK = "_pages_dummy"  # Dash's own
    APP = "shell"
    TICK = "shell-tick"
    TOAST = "shell-toast"  # dcc.Store: one toast of `callbacks.toasts.toast`, or a list of them
    LOOK = "shell-look"  # dcc.Store: {"theme": "dark" | "light", "updown": …}; figures listen to it
    STATUS_DATA = "shell-status-data"
    STATUS_MODELS = "shell-status-models"
    STATUS_JOBS = "shell-status-jobs"
    PALETTE_QUERY = "shell-palette-query"
    PALETTE_RESULTS = "shell-palette-results"


class Overview:
    """The Overview page; `assets/67-overview.js` draws its table and knows these words too."""

    TICK = "overview-tick"
    FRAME = "overview-frame"  # dcc.Store: the list with its figures
    DO = "overview-do"  # dcc.Store: what the person did to the list
    DONE = "overview-done"  # dcc.Store: grows with each such change
    LISTS = "overview-lists"
    HEAD = "overview-head"
    TABLE = "overview-table"
    CALLS = "overview-calls"
    ADD = "overview-add"
    QUERY = "overview-query"
    FOUND = "overview-found"
    NAMING = "overview-naming"  # the dialog that asks for a list's name
    NAME = "overview-name"
    NAME_YES = "overview-name-yes"
    NAME_NO = "overview-name-no"
    DELETING = "overview-deleting"
    DELETE_YES = "overview-delete-yes"
    DELETE_NO = "overview-delete-no"


class Charts:
    """The Charts page; `assets/60-charts.js` and its neighbours know these words too."""

    PAGE = "charts-page"
    VIEW = "charts-view"  # dcc.Store: what the address says (market, tf, ind, type, scale, cmp, from, to), and seq
    WANTED = "charts-wanted"  # dcc.Store: the span a pan or zoom asks for
    SEEN = "charts-seen"  # dcc.Store: the newest candle that is drawn
    FRAME = "charts-frame"  # dcc.Store: what is drawn, packed
    FORMING = "charts-forming"  # dcc.Store: the bar whose unfinished indicator values are asked for
    FORMED = "charts-formed"  # dcc.Store: those values
    MARKETS = "charts-markets"  # dcc.Store: names for the symbol search
    TICK = "charts-tick"
    CHART = "charts-chart"
    PANE = "charts-pane"
    CANVAS = "charts-canvas"
    LEGEND = "charts-legend"
    PANE_TAGS = "charts-pane-tags"
    COUNTDOWN = "charts-countdown"
    AGE = "charts-age"
    SUMMARY = "charts-summary"
    TABLE = "charts-table"
    STRIP = "charts-strip"
    TOOLBAR = "charts-toolbar"
    HEAD = "charts-head"
    RAIL = "charts-rail"
    EMPTY = "charts-empty"
    SEARCH = "charts-search"
    MENU = "charts-menu"
    PARAMS = "charts-params"
    TYPED = "charts-typed"
    KEPT = "charts-kept"  # dcc.Store: drawings, layouts and choices of the person, from the server
    OPS = "charts-ops"  # dcc.Store: what to keep or forget of them, to the server
    ANSWER = "charts-answer"  # dcc.Store: what the server made of it
    ASKED = "charts-asked"  # dcc.Store: the candle somebody asks about
    CANDLE = "charts-candle"  # what is known of it
    NOTE = "charts-note"  # the box it stands in
    HINT = "charts-hint"  # what a drawing tool waits for
    POP = "charts-pop"  # menus and forms, filled by the browser


class Markets:
    """The Markets page."""

    TICK = "markets-tick"
    TABLE = "markets-table"
    SOURCES = "markets-sources"
    FORM = "markets-form"
    FIELDS = "markets-fields"  # filled by assets/64-markets.js
    JOBS = "markets-jobs"
    IMPORTS = "markets-imports"
    REPORT = "markets-report"
    CHOSEN = "markets-chosen"  # dcc.Store: whose lines are shown, "job/…" or "import/…"
    LINES = "markets-lines"  # pattern: index is such a key
    CLOSE = "markets-close"
    FOLLOW_NAME = "markets-follow-name"
    FOLLOW = "markets-follow"
    FOUND = "markets-found"
    MORE = "markets-more"  # pattern: index is how many are shown
    TAKE = "markets-take"  # pattern: index is `binance/BTC-USDT`; the button in a row of what was found
    TAKEN = "markets-taken"  # dcc.Store: grows with each market that is followed or let go
    SERVING = "markets-serving"
    FOLLOWED = "markets-followed"  # pattern: index is a market's id; the button in its row


class DataQuality:
    """The Data quality page."""

    TICK = "quality-tick"
    HEADLINE = "quality-headline"
    GAPS = "quality-gaps"
    REFUSED = "quality-refused"
    REVISIONS = "quality-revisions"
    LATENCY = "quality-latency"
    MARKET = "quality-market"
    FRAME = "quality-frame"
    AT = "quality-at"
    ASK = "quality-ask"
    ORIGIN = "quality-origin"
    BREAKS = "quality-breaks"
    DECIDE = "quality-decide"  # type of the buttons: market id and word
    DECIDED = "quality-decided"  # dcc.Store: when the last decision was made
    ASKED = "quality-asked"  # dcc.Store: what the dialog is about
    DIALOG = "quality-dialog"
    DIALOG_TEXT = "quality-dialog-text"
    DIALOG_YES = "quality-dialog-yes"
    DIALOG_NO = "quality-dialog-no"
    PRICES = "quality-prices"


class Models:
    """The Models page."""

    TICK = "models-tick"
    SEEN = "models-seen"  # dcc.Store: what the panes below were last drawn from
    ACTIONS = "models-actions"
    TRAIN = "models-train"  # type of the button that opens the form
    FORM = "models-form"
    MARKETS = "models-markets"
    TIMEFRAME = "models-timeframe"
    HORIZON = "models-horizon"
    EPOCHS = "models-epochs"
    SEEDS = "models-seeds"
    SCHEME = "models-scheme"
    COST = "models-cost"
    OUTLOOK = "models-outlook"
    HINT = "models-hint"
    START = "models-start"
    HEADLINE = "models-headline"
    RUNNING = "models-running"
    CARD = "models-card"
    SCORES = "models-scores"
    VERSIONS = "models-versions"
    CANCEL = "models-cancel"  # type of the buttons that cancel a training
    LEAKS = "models-leaks"
    LEAKS_SEEN = "models-leaks-seen"  # dcc.Store: what the leak report was last drawn from
    EXAMINE = "models-examine"  # type of the button that runs the leak lab
    CARE = "models-care"
    PAST = "models-past"  # drift, rebuild and history of the version
    CARE_SEEN = "models-care-seen"  # dcc.Store: what gate, rebuild, drift and schedule were last drawn from
    PROMOTE = "models-promote"  # pattern: index is a version's id
    REBUILD = "models-rebuild"  # pattern: index is a version's id
    PLAN = "models-plan"
    CRON = "models-cron"
    ON_DRIFT = "models-on-drift"
    PLAN_SAVE = "models-plan-save"
    PLAN_HINT = "models-plan-hint"
    PLAN_FAMILY = "models-plan-family"  # dcc.Store: whose schedule is shown


class Predictions:
    """The Predictions page."""

    TICK = "predictions-tick"
    SEEN = "predictions-seen"  # dcc.Store: what the panes below were last drawn from
    HEADLINE = "predictions-headline"
    BOARD = "predictions-board"
    DETAIL = "predictions-detail"
    RAIL = "predictions-rail"
    MOVED = "predictions-moved"
    MOVED_SEEN = "predictions-moved-seen"  # dcc.Store: the call and the job whose answer is drawn
    JUDGED = "predictions-judged"
    SETTLED = "predictions-settled"


class SettledCalls:
    """The list of all settled calls, a part of the Predictions page."""

    MARKET = "settled-market"
    MODEL = "settled-model"
    RESULT = "settled-result"
    PERIOD = "settled-period"
    TALLY = "settled-tally"
    LIST = "settled-list"
    AFTER = "settled-after"  # dcc.Store: when the last call shown settled, and its id
    MORE = "settled-more"
    FOOT = "settled-foot"


class Admin:
    """The admin desk; `assets/66-admin.js` asks its grids to load again."""

    TICK = "admin-tick"
    CHANGED = "admin-changed"  # dcc.Store: grows with each change of a job or a source
    WRONG = "admin-wrong"
    STRIP = "admin-strip"
    JOBS = "admin-jobs"
    JOB_SEARCH = "admin-job-search"
    JOB_COUNT = "admin-job-count"
    JOB = "admin-job"
    JOB_ASK = "admin-job-ask"
    JOB_ASK_YES = "admin-job-ask-yes"
    JOB_ASK_NO = "admin-job-ask-no"
    JOB_ACT = "admin-job-act"  # pattern: index is `retry/<id>` or `cancel/<id>`
    SOURCES = "admin-sources"
    RESET = "admin-reset"  # pattern: index is an exchange
    MODELS = "admin-models"
    MODEL_SEARCH = "admin-model-search"
    MODEL_COUNT = "admin-model-count"
    HEALTH = "admin-health"
    WORKERS = "admin-workers"
    LATEST = "admin-latest"
    USERS = "admin-users"
    USERS_CHANGED = "admin-users-changed"  # dcc.Store: grows with each change of an account or an invitation
    USER_SEARCH = "admin-user-search"
    USER_COUNT = "admin-user-count"
    USER = "admin-user"
    USER_ROLE = "admin-user-role"  # pattern: index is an account's id
    USER_ACT = "admin-user-act"  # pattern: index is `<word>/<id>`
    USER_LINK = "admin-user-link"
    SESSIONS = "admin-sessions"
    SESSION_SEARCH = "admin-session-search"
    SESSION_COUNT = "admin-session-count"
    SESSION = "admin-session"
    SESSION_END = "admin-session-end"  # pattern: index is a session's number
    ASK = "admin-ask"
    ASK_TEXT = "admin-ask-text"
    ASKED = "admin-asked"  # dcc.Store: the word of what is asked about
    ASK_YES = "admin-ask-yes"
    ASK_NO = "admin-ask-no"
    INVITE_FORM = "admin-invite-form"
    INVITE_ROLE = "admin-invite-role"
    INVITE_EMAIL = "admin-invite-email"
    INVITE = "admin-invite"
    INVITE_LINK = "admin-invite-link"
    INVITATIONS = "admin-invitations"
    INVITATION_SEARCH = "admin-invitation-search"
    INVITATION_COUNT = "admin-invitation-count"
    INVITATION = "admin-invitation"
    WITHDRAW = "admin-withdraw"  # pattern: index is an invitation's id
    SETTINGS = "admin-settings"
    SETTINGS_CHANGED = "admin-settings-changed"  # dcc.Store: grows with each change of a setting
    SETTING = "admin-setting"  # pattern: index is a field of the settings
    SETTING_ACT = "admin-setting-act"  # pattern: index is `save/<field>` or `reset/<field>`
    EVENTS = "admin-events"
    EVENT_SEARCH = "admin-event-search"
    EVENT_COUNT = "admin-event-count"
    RESULT = "admin-result"
    ACTION = "admin-action"
    PERSON = "admin-person"
    SINCE = "admin-since"
    UNTIL = "admin-until"
    EXPORT = "admin-export"
