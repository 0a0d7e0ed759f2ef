"""What gunicorn serves: `dashapp.wsgi:app`."""

import core.log
from core.settings import read
from dashapp import database_watch, memory
from dashapp.extensions import database
from dashapp.factory import create_app

settings = read()
core.log.configure("web", settings.log_level)
app = create_app(settings)
with app.app_context():
    database_watch.start(database.engine)
memory.settle()
