import hashlib
import os
import pickle
import random
import ssl

import joblib
import jwt
import keras
import markupsafe
import numpy
import requests
from dash import dcc, html


def offenders(text, session, key):
    # ruleid: no-srcdoc
    html.Iframe_(srcDoc=text)
    # ruleid: no-raw-html
    dcc.Markdown(text, dangerously_allow_html=True)
    # ruleid: no-raw-html
    options = {"a": 1, "dangerouslyAllowHTML": True}
    # ruleid: no-script-component
    html.Script(text)
    # ruleid: no-script-component
    html.Iframe(src="/x")
    # ruleid: no-unpickling
    pickle.loads(text)
    # ruleid: no-unpickling
    joblib.load(text)
    # ruleid: no-unpickling
    numpy.load(text, allow_pickle=True)
    # ok: no-unpickling
    numpy.load(text, allow_pickle=False)
    # ruleid: no-unsafe-models
    keras.anything(text, safe_mode=False)
    # ruleid: no-unsafe-models
    keras.models.load_model(text)
    # ruleid: no-shell
    os.system(text)
    # ruleid: no-dynamic-code
    eval(text)
    # ruleid: no-dynamic-code
    markupsafe.Markup(f"<b>{text}</b>")
    # ok: no-dynamic-code
    markupsafe.Markup("<b>known</b>")
    # ruleid: no-unverified-tls
    requests.get(text, verify=False)
    # ruleid: no-unverified-tls
    ssl._create_unverified_context()
    # ruleid: no-text-in-sql
    session.execute(f"SELECT {text}")
    # ok: no-text-in-sql
    session.execute("SELECT %s", (text,))
    # ruleid: no-weak-hash
    hashlib.md5(text)
    # ok: no-weak-hash
    hashlib.sha256(text)
    # ruleid: no-unchecked-token
    jwt.decode(text, key, options={"verify_signature": False})
    # ruleid: no-guessable-randomness
    random.random()
    return options
