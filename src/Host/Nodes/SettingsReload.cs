using MeshDns.Host.Admin;
using MeshDns.Host.Cli;
using MeshDns.Host.Settings;
using MeshDns.Host.Telemetry;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// Reads the settings again from where they came at the start, one time after the other, and applies those that apply live (docs/adr/0031). All is read and
/// validated, as at a start, before anything is applied; what cannot be used leaves all as it was.
/// </summary>
/// <param name="settings">What the node was started with.</param>
/// <param name="apply">Applies what applies live of these, all or, by an exception, none; returns what is to be said of it, a sentence each.</param>
/// <param name="log">Told of every outcome, with names of keys and never a value.</param>
internal sealed class SettingsReload(MeshDnsSettings settings, Func<MeshDnsSettings, IReadOnlyList<string>> apply, ILogger log)
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly TlsFiles _files = new(settings.Cluster.Tls);
    private MeshDnsSettings _running = settings;

    /// <summary>What it counts, by result.</summary>
    public CounterFamily Results { get; } = new(maxSeries: 4);

    /// <summary>Does so with each SIGHUP, until the token.</summary>
    public async Task FollowAsync(HangUp hangUp, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await hangUp.WaitAsync(stop);
                await RunAsync("SIGHUP", stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    /// <summary>Does so once.</summary>
    /// <param name="asker">Who asked, for the log.</param>
    /// <param name="cancel">Ends the wait for one's turn, or for the outcome: what has begun goes on.</param>
    public async Task<ReloadOutcome> RunAsync(string asker, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        // A file may be on a disk that does not answer.
        return await Task.Run(() =>
        {
            try { return Run(asker); }
            finally { _turn.Release(); }
        }, CancellationToken.None).WaitAsync(cancel);
    }

    private ReloadOutcome Run(string asker)
    {
        try
        {
            var result = _running.Source!.Load();
            if (result.Settings is not { } read) return Refuse(asker, [.. result.Errors.Select(ErrorOf)], result.Errors.Select(error => error.ToString()));
            if (read.Unsupported() is { Count: > 0 } unsupported) return Refuse(asker, [.. unsupported.Select(why => new ProblemError { Reason = why })], unsupported);
            return Take(asker, SettingsUpdate.Of(_running, read));
        }
#pragma warning disable CA1031 // A fault of ours must neither end the node nor leave who asked without an answer.
        catch (Exception e)
#pragma warning restore CA1031
        {
            log.LogError(e, "taking the settings again failed by a fault of ours ({Asker})", asker);
            return Refuse(asker, [new ProblemError { Reason = "a fault of ours, which the log tells of" }], [e.Message]);
        }
    }

    private ReloadOutcome Take(string asker, SettingsUpdate update)
    {
        var notes = update.Applied.Count > 0 ? apply(update.Settings) : [];
        _running = update.Settings;
        string[] needsRestart = [.. update.NeedsRestart.Union(_files.Changed())];
        Results.Increment(update.Applied.Count > 0 ? "applied" : "unchanged");
        log.LogInformation("settings read again ({Asker}): applied: {Applied}; needs a restart: {NeedsRestart}", asker, List(update.Applied), List(needsRestart));
        foreach (var note in notes) log.LogWarning("{Note}", note);
        return new ReloadOutcome(update.Applied, needsRestart, notes, []);
    }

    private ReloadOutcome Refuse(string asker, IReadOnlyList<ProblemError> errors, IEnumerable<string> reasons)
    {
        Results.Increment("failed");
        log.LogWarning("the settings cannot be used, and those before stay as they are ({Asker}): {Reasons}", asker, string.Join("; ", reasons));
        return new ReloadOutcome([], [], [], errors);
    }

    private static ProblemError ErrorOf(SettingsError error) => new()
    {
        File = error.Source,
        Line = error.Line > 0 ? error.Line : null,
        Field = error.Key.Length > 0 ? error.Key : null,
        Reason = error.Message,
    };

    private static string List(IReadOnlyList<string> keys) => keys.Count > 0 ? string.Join(", ", keys) : "nothing";
}
