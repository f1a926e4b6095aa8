# MeshDns in a container: built with the SDK, run on the ASP.NET runtime by a user without privileges.
#   docker build -t meshdns .
#   docker run --read-only --cap-drop ALL --sysctl net.ipv4.ip_unprivileged_port_start=53 -v meshdns:/var/lib/meshdns -p 127.0.0.1:15053:53/udp meshdns
# docker-compose.yml runs three nodes of it. No BuildKit is needed.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
# Compiled ahead of time, a node is ready sooner and a health check costs less. "false" where the compiler's package cannot be restored.
ARG READY_TO_RUN=true
WORKDIR /source
# The packages are a layer of their own, so that a change of the sources does not restore them again.
COPY global.json .editorconfig Directory.Build.props Directory.Packages.props ./
COPY src/Contracts/*.csproj src/Contracts/
COPY src/Actors/*.csproj src/Actors/
COPY src/Host/*.csproj src/Host/
RUN dotnet restore src/Host --use-current-runtime -p:PublishReadyToRun=$READY_TO_RUN
COPY hocon hocon
COPY src src
RUN dotnet publish src/Host -c Release --no-restore --use-current-runtime --self-contained false -p:PublishReadyToRun=$READY_TO_RUN \
        -p:PublishDocumentationFiles=false -o /opt/meshdns

FROM mcr.microsoft.com/dotnet/aspnet:10.0
# A new named volume takes its owner from the folder that it covers.
RUN mkdir -p /var/lib/meshdns /etc/meshdns && chown $APP_UID /var/lib/meshdns && ln -s /opt/meshdns/meshdns /usr/local/bin/meshdns
COPY --from=build /opt/meshdns /opt/meshdns
COPY hocon/single.conf hocon/cluster.conf hocon/edge.conf /etc/meshdns/
# The root file system may be read-only: no diagnostics socket in /tmp.
ENV DOTNET_EnableDiagnostics=0 \
    MESHDNS_NODE_DATA_DIR=/var/lib/meshdns \
    MESHDNS_DNS_LISTEN=0.0.0.0:53
USER $APP_UID
WORKDIR /var/lib/meshdns
VOLUME /var/lib/meshdns
# 15380 is HTTP and listens on loopback until MESHDNS_ADMIN_LISTEN and MESHDNS_ADMIN_TOKEN say otherwise; 15390 is for other nodes, 15391 for those without a database.
EXPOSE 53/udp 53/tcp 15380 15390 15391
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["meshdns", "health"]
ENTRYPOINT ["meshdns"]
CMD ["run"]
