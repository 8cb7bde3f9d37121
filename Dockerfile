# A server of one run. PIP_ARGS may name an index that has torch for CPUs alone, which saves gigabytes.
#   docker build -t playlistrec --build-arg PIP_ARGS=… .
#   docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD/run:/run-folder:ro" -v "$PWD/data:/data:ro" \
#     -v "$PWD/token:/token:ro" playlistrec
FROM python:3.11-slim AS build
ARG PIP_ARGS=""
WORKDIR /source
COPY setup.cfg pyproject.toml constraints.txt README.md LICENSE ./
COPY playlistrec playlistrec
RUN python -m venv /opt/playlistrec \
 && /opt/playlistrec/bin/pip install --no-cache-dir $PIP_ARGS -c constraints.txt '.[serve]'

FROM python:3.11-slim
# DGL's kernels need OpenMP's library.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
 && useradd --no-create-home --uid 10001 playlistrec
COPY --from=build /opt/playlistrec /opt/playlistrec
USER playlistrec
ENV PATH=/opt/playlistrec/bin:$PATH PYTHONDONTWRITEBYTECODE=1
EXPOSE 8000
# SIGTERM ends it in order: what was asked is answered first.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s CMD ["python", "-c", \
  "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
ENTRYPOINT ["playlistrec", "serve"]
CMD ["/run-folder", "--data", "/data", "--host", "0.0.0.0", "--token-file", "/token", "--watch"]
