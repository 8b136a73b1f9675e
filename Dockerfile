# Liqwatch in a container: docs/deploy.md says how to run it.
FROM python:3.11-slim-bookworm AS build
WORKDIR /opt/liqwatch
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements/run.txt requirements/node.txt requirements/
COPY tools/python.sh tools/frontend.sh tools/
RUN tools/python.sh .venv requirements/run.txt
COPY bot/web/frontend/package.json bot/web/frontend/package-lock.json bot/web/frontend/
RUN python3 -m venv /tmp/node \
    && /tmp/node/bin/python -m pip install --quiet --require-hashes -r requirements/node.txt \
    && CARRIED_NODE=1 NODE_VENV=/tmp/node tools/frontend.sh && rm -rf /tmp/node
COPY pyproject.toml README.md LICENSE ./
COPY adapters adapters
COPY bench bench
COPY bot bot
COPY config config
COPY engine engine
COPY storage storage
# What is compiled ahead is kept where the user below may write: the compiler takes its cache from nowhere else.
ENV NUMBA_CACHE_DIR=/opt/liqwatch/compiled
RUN .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -m compileall -q adapters bench bot config engine storage \
    && .venv/bin/liqwatch warm

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Liqwatch" \
      org.opencontainers.image.description="Liquidation heatmaps and smart alerts, in the chat you already use"
RUN groupadd --gid 10001 liqwatch \
    && useradd --uid 10001 --gid liqwatch --home-dir /data --no-create-home --shell /usr/sbin/nologin liqwatch \
    && install -d -o liqwatch -g liqwatch -m 0700 /data
COPY --from=build /opt/liqwatch /opt/liqwatch
RUN chown -R liqwatch:liqwatch /opt/liqwatch/compiled
ENV PATH=/opt/liqwatch/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CACHE_DIR=/opt/liqwatch/compiled LIQWATCH_DATA_DIR=/data LIQWATCH_HOST=0.0.0.0 LIQWATCH_PORT=8080 LIQWATCH_LOG_FORMAT=json
USER liqwatch
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# The first live start reads weeks of the past before the page answers.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10m --retries=3 \
    CMD ["liqwatch", "alive"]
ENTRYPOINT ["liqwatch"]
CMD ["run"]
