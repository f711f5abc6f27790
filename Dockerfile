# The program alone: no tests, no build tools, no Kafka. Node runs the TypeScript as it is, so nothing is compiled.
# The first stage only runs npm. The Node that runs the program comes with the other packages, checked against package-lock.json.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM debian:bookworm-slim
RUN useradd --uid 1000 --create-home node
ENV NODE_ENV=production \
    PATH=/app/node_modules/.bin:$PATH \
    # kafkajs#1751: harmless, and one line in the log for each client.
    NODE_OPTIONS=--disable-warning=TimeoutNegativeWarning \
    HARVESTLINE_DATA=/data
WORKDIR /app
# A new named volume takes over this folder's owner.
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY errors ./errors
COPY schemas ./schemas
COPY ports ./ports
COPY render ./render
COPY pipelines ./pipelines
COPY connectors ./connectors
COPY cli ./cli
USER node
VOLUME /data
# In exec form the program is process 1 and gets SIGTERM itself: `run` drains on it and exits 0.
ENTRYPOINT ["node", "bin/harvestline.mjs"]
CMD ["--help"]
