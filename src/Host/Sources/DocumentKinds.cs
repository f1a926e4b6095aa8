using System.Text.Json.Nodes;
using MeshDns.Contracts.Services;
using static MeshDns.Host.Sources.ItemText;

namespace MeshDns.Host.Sources;

/// <summary>
/// Every kind of document, a row each, in order of their numbers: reader, writer, routes, export and command line go through it. What the
/// mesh knows of a kind is in <see cref="SpecKinds"/>.
/// </summary>
internal static class DocumentKinds
{
    public static IReadOnlyList<ApiResource> All { get; } =
    [
        new()
        {
            Kind = DocumentKind.ServiceEntry,
            ApiVersions = ["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"],
            Path = "/v1/service-entries",
            Names = ["entries", "entry", "se", "serviceentry", "serviceentries", "service-entry", "service-entries"],
            CheckName = KubernetesNames.CheckSubdomain,
            ReadSpec = (scope, root, _) => ServiceEntryReader.Read(scope, root),
            ReadStatus = ServiceEntryStatus.Read,
            WriteSpec = (spec, _) => ServiceEntryWriter.Write((ServiceEntrySpec)spec),
            HasResolution = true,
            Columns =
            [
                ("RESOLUTION", item => Text(item, "spec", "resolution")),
                ("HOSTS", item => List(At(item, "spec", "hosts"), host => host.ToString())),
                ("ADDRESSES", item => List(At(item, "spec", "addresses") ?? At(item, "status", "addresses"),
                    address => address is JsonObject assigned ? Text(assigned, "value") : address.ToString())),
            ],
        },
        new()
        {
            Kind = DocumentKind.Service,
            ApiVersions = ["v1"],
            HasNamesakes = true, // such as Knative's
            Path = "/v1/services",
            Names = ["services", "service", "svc"],
            CheckName = KubernetesNames.CheckLabel, // it is a label of the host's name
            ReadSpec = ServiceReader.Read,
            WriteSpec = (spec, vips) => ServiceWriter.Write((ServiceSpec)spec, vips),
            Columns =
            [
                ("TYPE", item => Text(item, "spec", "type")),
                ("ADDRESSES", item => At(item, "spec", "clusterIPs") is { } ips
                    ? List(ips, ip => ip.ToString())
                    : At(item, "spec", "externalName")?.ToString() ?? Text(item, "spec", "clusterIP")),
                ("PORTS", item => List(At(item, "spec", "ports"), port => $"{Text(port, "port")}/{Text(port, "protocol")}")),
            ],
        },
    ];

    /// <summary>The row of a kind.</summary>
    public static ApiResource Of(DocumentKind kind) => All[(int)kind];
}
