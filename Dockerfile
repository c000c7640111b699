# syntax=docker/dockerfile:1
ARG NODE_VERSION=24

FROM node:${NODE_VERSION}-bookworm AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# Compiles better-sqlite3 where there is no ready binary; the full image has the compiler.
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
RUN npm run build
RUN npm prune --omit=dev --no-audit --no-fund
RUN chmod +x dist/server.js dist/cli.js

FROM node:${NODE_VERSION}-bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tini wget \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/dist ./dist
COPY package.json LICENSE ./
COPY schemas ./schemas
RUN ln -s dist/server.js aegis-server \
    && ln -s dist/cli.js aegis \
    && install -d -o node -g node /data

ENV NODE_ENV=production \
    DB_PATH=/data/aegis.db \
    PATH=/app:$PATH
VOLUME /data
EXPOSE 8080
# The user `node`, by number: Kubernetes' runAsNonRoot cannot judge a name.
USER 1000:1000
# Asks the port of the variable PORT; a server that is given --port has to be given PORT as well, or its own health check.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD wget --quiet --tries=1 --spider "http://127.0.0.1:${PORT:-8080}/healthz"
ENTRYPOINT ["tini", "--"]
CMD ["/app/aegis-server"]
