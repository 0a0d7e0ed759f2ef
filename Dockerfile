# Two images from one file: `web` without TensorFlow and exchanges, `worker` with both.
#   docker build --target web    -t bolt-web .
#   docker build --target worker -t bolt-worker .

FROM python:3.11.14-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/venv/bin:$PATH \
    BOLT_ENV=production BOLT_DATA=/data MODELS_DIR=/models HOST=0.0.0.0 PORT=8050
WORKDIR /app
RUN groupadd --system --gid 10001 bolt \
    && useradd --system --uid 10001 --gid bolt --home-dir /app --no-create-home bolt \
    && install -d -o bolt -g bolt /data /models

FROM base AS packages
COPY deploy/uv.txt deploy/uv.txt
RUN python -m venv /opt/venv \
    && python -m venv /opt/installer \
    && /opt/installer/bin/pip install --no-cache-dir --require-hashes -r deploy/uv.txt
ENV VIRTUAL_ENV=/opt/venv UV_NO_CACHE=1

FROM packages AS web-packages
COPY deploy/requirements-web.txt deploy/requirements-web.txt
RUN /opt/installer/bin/uv pip sync --require-hashes deploy/requirements-web.txt

FROM packages AS worker-packages
COPY requirements.txt requirements.txt
RUN /opt/installer/bin/uv pip sync --require-hashes requirements.txt

FROM base AS code
COPY pyproject.toml LICENSE ./
COPY core core
COPY db db
COPY migrations migrations
COPY market market
COPY ml ml
COPY alerts alerts
COPY layouts layouts
COPY callbacks callbacks
COPY assets assets
COPY dashapp dashapp
COPY workers workers
COPY demo demo
COPY deploy deploy

FROM code AS web
COPY --from=web-packages /opt/venv /opt/venv
RUN BOLT_ENV=development HOST=127.0.0.1 python -m dashapp build-assets
USER 10001:10001
EXPOSE 8050
HEALTHCHECK --interval=10s --timeout=3s --start-period=40s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health/live', timeout=2)"]
CMD ["gunicorn", "-c", "deploy/gunicorn.conf.py", "dashapp.wsgi:app"]

FROM code AS worker
COPY --from=worker-packages /opt/venv /opt/venv
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, redis; redis.Redis.from_url(os.environ['REDIS_URL'], socket_timeout=3).ping()"]
CMD ["python", "-m", "workers", "--queues", "market,train,predict,alerts"]
