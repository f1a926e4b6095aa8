using MeshDns.Host.Sources;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MeshDns.Host.Admin;

/// <summary>
/// The whole interface at a glance: every path (those of documents stand with their kinds), its methods, who answers, and in which line it waits for its turn. A change that has a body waits once that is
/// there, in its route; the probes wait for nobody.
/// </summary>
internal static class AdminRoutes
{
    public static void Map(IEndpointRouteBuilder routes, AdminServices services, Admission admission)
    {
        var (reads, lists) = (admission.Reads, admission.Lists);
        var changes = new ChangeRunner(services);

        foreach (var kind in DocumentKinds.All) MapDocuments(routes, kind.Path, new DocumentRoutes(kind.Kind, services, changes, admission), admission);
        routes.Map("/v1/endpoint-slices/{**rest}", NotYet);

        routes.MapPost("/v1/manifests", new ManifestRoute(changes, admission).PostAsync);

        var hosts = new HostRoutes(services);
        routes.MapGet("/v1/hosts", lists.Around(hosts.ListAsync));
        routes.MapGet("/v1/hosts/{host}", reads.Around(hosts.GetAsync));

        var vips = new VipRoutes(services);
        routes.MapGet("/v1/vips", lists.Around(vips.ListAsync));
        routes.MapGet("/v1/vips/{ip}", reads.Around(vips.GetAsync));

        var settings = new SettingsRoutes(services, changes, admission);
        routes.MapGet("/v1/settings", reads.Around(settings.GetAsync));
        routes.MapPut("/v1/settings", settings.PutAsync);

        routes.MapPost("/v1/reload", admission.Changes.Around(new ReloadRoute(services).PostAsync));

        var cluster = new ClusterRoutes(services);
        routes.MapGet("/v1/cluster", reads.Around(cluster.GetAsync));
        routes.MapPost("/v1/nodes/{node}/drain", admission.Changes.Around(cluster.DrainAsync));

        routes.MapGet("/v1/export", lists.Around(new ExportRoute(services).GetAsync));
        routes.MapGet("/v1/explain", reads.Around(new ExplainRoute(services).GetAsync));

        var node = new NodeRoutes(services);
        routes.MapGet("/metrics", admission.Scrapes.Around(node.MetricsAsync));
        routes.MapMethods("/healthz", ["GET", "HEAD"], node.LiveAsync);
        routes.MapMethods("/readyz", ["GET", "HEAD"], node.ReadyAsync);
    }

    private static void MapDocuments(IEndpointRouteBuilder routes, string path, DocumentRoutes documents, Admission admission)
    {
        routes.MapGet(path, admission.Lists.Around(documents.ListAsync));
        routes.MapGet(path + "/{namespace}/{name}", admission.Reads.Around(documents.GetAsync));
        routes.MapPut(path + "/{namespace}/{name}", documents.PutAsync);
        routes.MapDelete(path + "/{namespace}/{name}", admission.Changes.Around(documents.DeleteAsync));
    }

    private static Task NotYet(HttpContext context) => Reply.ProblemAsync(context,
        Problem.Of(StatusCodes.Status501NotImplemented, "not-implemented", "Not supported by this version yet", "EndpointSlices are not supported by this version yet"));
}
