# syntax=docker/dockerfile:1

FROM node:20-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:20-slim
# Servers started through npx or sh leave grandchildren: tini, as process 1, reaps them and passes signals on.
RUN apt-get update \
  && apt-get install -y --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY --from=build /build/package.json package.json
COPY LICENSE README.md ./
RUN mkdir -p /config /state && chown node:node /config /state
USER node
ENV XDG_CONFIG_HOME=/config XDG_STATE_HOME=/state
VOLUME ["/config", "/state"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/usr/bin/tini", "--", "node", "dist/cli.js"]
# Beyond loopback the config must hold http.tokens; without them the proxy refuses to start.
CMD ["serve", "--http", "0.0.0.0:8080", "--config", "/config/switchyard.json"]
