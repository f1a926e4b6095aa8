using MeshDns.Contracts.Services;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MeshDns.Host.Admin;

/// <summary>The whole interface at a glance: every path, its methods, and who answers.</summary>
internal static class AdminRoutes
{
    public static void Map(IEndpointRouteBuilder routes, AdminServices services)
    {
        var changes = new ChangeRunner(services);
        services.Metrics.Register(changes.Collect);

        MapDocuments(routes, "/v1/service-entries", new DocumentRoutes(DocumentKind.ServiceEntry, services, changes));
        MapDocuments(routes, "/v1/services", new DocumentRoutes(DocumentKind.Service, services, changes));
        routes.Map("/v1/endpoint-slices/{**rest}", NotYet);

        routes.MapPost("/v1/manifests", new ManifestRoute(changes).PostAsync);

        var hosts = new HostRoutes(services);
        routes.MapGet("/v1/hosts", hosts.ListAsync);
        routes.MapGet("/v1/hosts/{host}", hosts.GetAsync);

        var vips = new VipRoutes(services);
        routes.MapGet("/v1/vips", vips.ListAsync);
        routes.MapGet("/v1/vips/{ip}", vips.GetAsync);

        var cluster = new ClusterRoutes(services);
        routes.MapGet("/v1/cluster", cluster.GetAsync);
        routes.MapPost("/v1/nodes/{node}/drain", cluster.DrainAsync);

        routes.MapGet("/v1/export", new ExportRoute(services).GetAsync);
        routes.MapGet("/v1/explain", new ExplainRoute(services).GetAsync);

        var node = new NodeRoutes(services);
        routes.MapGet("/metrics", node.MetricsAsync);
        routes.MapMethods("/healthz", ["GET", "HEAD"], node.LiveAsync);
        routes.MapMethods("/readyz", ["GET", "HEAD"], node.ReadyAsync);
    }

    private static void MapDocuments(IEndpointRouteBuilder routes, string path, DocumentRoutes documents)
    {
        routes.MapGet(path, documents.ListAsync);
        routes.MapGet(path + "/{namespace}/{name}", documents.GetAsync);
        routes.MapPut(path + "/{namespace}/{name}", documents.PutAsync);
        routes.MapDelete(path + "/{namespace}/{name}", documents.DeleteAsync);
    }

    private static Task NotYet(HttpContext context) => Reply.ProblemAsync(context,
        Problem.Of(StatusCodes.Status501NotImplemented, "not-implemented", "Not supported by this version yet", "EndpointSlices are not supported by this version yet"));
}
