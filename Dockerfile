# The program alone: no tests, no build tools, no Kafka. Node runs the TypeScript as it is, so nothing is compiled.
# The first stage only runs npm. The Node that runs the program comes with the other packages, checked against package-lock.json.
# A tag may be moved to other content: docs/deployment.md says how to give both images by their digests.
ARG NODE_IMAGE=node:24.21.0-slim
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
RUN mkdir /app && chown node:node /app
USER node
WORKDIR /app
COPY --chown=node:node package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM ${RUNTIME_IMAGE}
RUN useradd --uid 1000 --create-home node
ENV NODE_ENV=production \
    PATH=/app/node_modules/.bin:$PATH \
    # kafkajs#1751: harmless, and one line in the log for each client.
    NODE_OPTIONS=--disable-warning=TimeoutNegativeWarning \
    HARVESTLINE_DATA=/data
WORKDIR /app
# A new named volume takes over this folder's owner.
RUN mkdir /data && chown node:node /data
# Everything of the program belongs to root: the user that runs it cannot change it.
COPY --from=dependencies --chown=root:root /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY bin ./bin
COPY errors ./errors
COPY schemas ./schemas
COPY ports ./ports
COPY render ./render
COPY pipelines ./pipelines
COPY connectors ./connectors
COPY cli ./cli
COPY examples/notify.yaml ./examples/
# Commands that the program prints begin with this name.
RUN ln -s /app/bin/harvestline.mjs /usr/local/bin/harvestline
USER 1000:1000
VOLUME /data
# In exec form the program is process 1 and gets SIGTERM itself: `run` drains on it and exits 0.
ENTRYPOINT ["harvestline"]
CMD ["--help"]
