"""The extensions, made once and bound to each application by `factory`."""

from flask_compress import Compress
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from db.base import Base

database = SQLAlchemy(metadata=Base.metadata, disable_autonaming=True)  # its engine; tables inherit from our own Base
login_manager = LoginManager()
csrf = CSRFProtect()
compress = Compress()
