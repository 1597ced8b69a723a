# One image for every process; the command chooses which.
FROM node:22-bookworm-slim AS build
WORKDIR /adlayer
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
ENV NODE_ENV=production ADLAYER_DATA=/data
WORKDIR /adlayer
COPY --from=build /adlayer /adlayer
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8480
ENTRYPOINT ["node", "bin/adlayer.js"]
CMD ["start"]
