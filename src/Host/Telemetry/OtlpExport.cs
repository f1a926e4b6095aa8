using System.Runtime.CompilerServices;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace MeshDns.Host.Telemetry;

/// <summary>
/// Pushes what a <see cref="MeshMeter"/> says by OTLP. Off unless told where to: a node that pushes nothing loads none of
/// OpenTelemetry, and has no timer for it. Everything else (protocol, headers, interval, certificate, resource) is set by the
/// variables of OpenTelemetry's specification.
/// </summary>
internal static class OtlpExport
{
    private const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string ProtocolVariable = "OTEL_EXPORTER_OTLP_PROTOCOL";

    /// <summary>Begins; what is disposed pushes once more, for five seconds at most. Null when nobody said where to.</summary>
    /// <param name="endpoint">The collector, without the path of a signal; null for what the variable says.</param>
    /// <param name="node">This node's name.</param>
    public static IDisposable? Start(Uri? endpoint, string node) =>
        endpoint is null && !IsSet(EndpointVariable) ? null : Begin(endpoint, node);

#pragma warning disable CA1859 // With a type of its own as the result, who calls this would load the library.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static IDisposable Begin(Uri? endpoint, string node) => Sdk.CreateMeterProviderBuilder()
        .ConfigureResource(resource => resource
            .AddService("meshdns", serviceVersion: MeshMeter.Version, serviceInstanceId: node)
            .AddEnvironmentVariableDetector())
        .AddMeter(MeshMeter.Name)
        .AddOtlpExporter(exporter => Configure(exporter, endpoint))
        .Build();
#pragma warning restore CA1859

    private static void Configure(OtlpExporterOptions exporter, Uri? endpoint)
    {
        // The specification's default; the library's is the other one.
        if (!IsSet(ProtocolVariable)) exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        if (endpoint is null) return;
        // Of what is set here the library leaves the path alone.
        var isHttp = exporter.Protocol == OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = isHttp ? new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/v1/metrics") : endpoint;
    }

    private static bool IsSet(string variable) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable));
}
