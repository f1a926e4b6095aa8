using MeshDns.Actors;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Sources;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Admin;

/// <summary>Carries a change to the mesh and its outcome back, the same for one document and for a set.</summary>
internal sealed class ChangeRunner(AdminServices services)
{
    /// <summary>How much longer than its deadline a change may take to say so, before its outcome is called unknown for it.</summary>
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _poolWarningInterval = TimeSpan.FromMinutes(1);

    private readonly Lock _poolGate = new();
    private long? _poolWarned;

    /// <summary>The clock of all deadlines.</summary>
    public TimeProvider Time => services.Time;

    /// <summary>The ranges that VIPs come from.</summary>
    public VipRange Vips => services.Vips;

    /// <summary>The mesh, to look documents up.</summary>
    public IMeshControl Mesh => services.Mesh;

    /// <summary>Runs a change.</summary>
    /// <param name="context">Whose request it is.</param>
    /// <param name="request">The change.</param>
    /// <param name="documents">The manifests' documents in the request's order, for their numbers and warnings; empty when no body names them.</param>
    /// <param name="waitForEdges">Reply only when the live edges have it, or the time for that is over.</param>
    /// <exception cref="ProblemException">It was not applied.</exception>
    public async Task<ChangeJson> RunAsync(HttpContext context, ChangeRequest request, IReadOnlyList<ManifestDocument> documents, bool waitForEdges)
    {
        var reply = await ChangeAsync(request);
        services.Counters.Changes.Increment(OutcomeLabel(request, reply));
        services.Log.LogInformation("change of {What} by {Remote}: {Outcome} {Detail}", request.Settings is null ? $"{request.Changes.Count} documents" : "settings", context.Connection.RemoteIpAddress, OutcomeLabel(request, reply), reply.Detail);
        if (reply.Outcome != ChangeOutcome.Applied) throw new ProblemException(ChangeProblems.Of(request, reply, documents));
        if (!request.DryRun) WarnOfPool(reply);
        return new ChangeJson
        {
            DryRun = request.DryRun,
            Results = [.. reply.Results.Select((result, i) => Render(result, i, i < documents.Count ? documents[i] : null, request.Changes[i].Document is null))],
            Settings = reply.Settings is { } settings ? SettingsJson.Of(settings) : null,
            SettingsTag = reply.Settings?.Shared.Tag,
            Warnings = reply.Warnings,
            Edges = waitForEdges && !request.DryRun ? await WaitForEdgesAsync(reply.Position) : null,
        };
    }

    /// <summary>The caller may be a script that drops warnings, so the node's log tells of a pool that fills up too, at most once a minute.</summary>
    private void WarnOfPool(ChangeReply reply)
    {
        var warning = reply.Results.SelectMany(result => result.Warnings).FirstOrDefault(text => text.StartsWith(VipWarning.PoolPrefix, StringComparison.Ordinal));
        if (warning is null) return;
        lock (_poolGate)
        {
            if (_poolWarned is { } last && Time.GetElapsedTime(last) < _poolWarningInterval) return;
            _poolWarned = Time.GetTimestamp();
        }
        services.Log.LogWarning("{Warning}", warning);
    }

    /// <summary>
    /// Not bound to the caller's connection: a caller who hangs up must not leave a change half waited for. It ends by its own deadline.
    /// </summary>
    private async Task<ChangeReply> ChangeAsync(ChangeRequest request)
    {
        try
        {
            return await services.Mesh.ChangeAsync(request, AdminLimits.ChangeTimeout, CancellationToken.None).WaitAsync(AdminLimits.ChangeTimeout + _grace, services.Time);
        }
        catch (MeshUnavailableException e)
        {
            return new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = e.Message };
        }
#pragma warning disable CA1031 // A change that ended in any other way may have been written: its caller must hear that nobody knows.
        catch (Exception e)
#pragma warning restore CA1031
        {
            services.Log.LogError(e, "a change ended without an outcome");
            return new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "the change ended without an outcome; look, or ask again with the same Idempotency-Key" };
        }
    }

    /// <summary>The change is durable whatever happens here, so nothing here may turn the reply into a failure.</summary>
    private async Task<EdgesJson> WaitForEdgesAsync(IReadOnlyDictionary<string, long> position)
    {
        if (position.Count == 0) return new EdgesJson(true, []);
        try
        {
            using var timer = new CancellationTokenSource(AdminLimits.EdgesTimeout + _grace, services.Time);
            return new EdgesJson(true, await services.Mesh.WaitForEdgesAsync(position, AdminLimits.EdgesTimeout, timer.Token).WaitAsync(timer.Token));
        }
#pragma warning disable CA1031
        catch (Exception e)
#pragma warning restore CA1031
        {
            services.Log.LogWarning(e, "the edges could not be asked whether they have a change");
            return new EdgesJson(false, []);
        }
    }

    private static DocumentResultJson Render(DocumentResult result, int index, ManifestDocument? document, bool isDeletion) => new()
    {
        Document = document?.Number ?? index + 1,
        Kind = result.Key.Kind.ToString(),
        Namespace = result.Key.Namespace,
        Name = result.Key.Name,
        Action = result.Action switch
        {
            DocumentAction.Created => "created",
            DocumentAction.Configured => "configured",
            DocumentAction.Unchanged => "unchanged",
            DocumentAction.Deleted => "deleted",
            _ => "absent",
        },
        Version = result.Version,
        Addresses = [.. result.Addresses.Select(address => new HostAddressJson(address.Host.Text, address.Value))],
        // What its author should know of a document means nothing for one that goes.
        Warnings = document is null || isDeletion ? result.Warnings : [.. document.Warnings, .. result.Warnings],
        Ignored = document is null || isDeletion ? [] : document.Ignored,
    };

    private static string OutcomeLabel(ChangeRequest request, ChangeReply reply) => reply.Outcome switch
    {
        ChangeOutcome.Applied => request.DryRun ? "dry_run" : "applied",
        ChangeOutcome.Unavailable => "unavailable",
        ChangeOutcome.Unknown => "unknown",
        _ => reply.Reason switch
        {
            RefusalReason.VersionMismatch => "version_mismatch",
            RefusalReason.OtherSource => "other_source",
            RefusalReason.NotFound => "not_found",
            RefusalReason.PoolExhausted => "pool_exhausted",
            RefusalReason.GuardRefused => "guard_refused",
            RefusalReason.KeyReused => "key_reused",
            RefusalReason.Contention => "contention",
            _ => "invalid",
        },
    };
}
