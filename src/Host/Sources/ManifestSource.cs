using MeshDns.Actors;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Messages;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Sources;

/// <summary>
/// Keeps the mesh equal to one path of <c>sources.manifests</c> (a file or a folder): every new content becomes one change that puts its
/// documents and deletes those that this source owns and the path no longer has. A minute after the mesh has changed the same set is put again, so that
/// what somebody else deleted or changed comes back (unchanged documents write nothing). A document that another source has taken over is not taken
/// back: as a set is applied whole or not at all, it is then refused, which is logged once, and tried again until that source lets go or the
/// files no longer have the document. What cannot be read or is refused changes nothing; while the files have errors nothing is put again.
/// Polled, because file events get lost on network file systems and mounts.
/// </summary>
/// <param name="path">The file or folder.</param>
/// <param name="mesh">Where changes go.</param>
/// <param name="time">Paces everything.</param>
/// <param name="jitter">Spreads retries; used by this source's loop only.</param>
/// <param name="logger">Told of every change, and of each error once in a row.</param>
/// <param name="position">How far this node knows the log: what has not moved since the set was put needs no other look.</param>
/// <param name="isMine">True while this node is the one that runs the source, of those that could; null: always.</param>
public sealed class ManifestSource(string path, IMeshControl mesh, TimeProvider time, Random jitter, ILogger logger, Func<DirectoryPosition> position, Func<string, bool>? isMine = null)
{
    /// <summary>Time between looks at the files.</summary>
    public static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(2);

    /// <summary>Time between two looks that must agree before a change is read; well above a file system's clock tick.</summary>
    public static readonly TimeSpan SettleInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest wait between tries to apply the same set.</summary>
    public static readonly TimeSpan MaxBackOff = TimeSpan.FromMinutes(1);

    /// <summary>Time from a success to putting the same set again, if the mesh has changed since.</summary>
    public static readonly TimeSpan RecheckInterval = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan _changeDeadline = TimeSpan.FromSeconds(60);
    private const int PageSize = 1_000;

    // A source owns at most what two changes can leave; more pages than that are not believed.
    private const int MaxPages = 2 * ManifestLimits.Documents / PageSize;

    private readonly string _source = "file:" + path;
    private ManifestWatch _watch = new(path);
    private ManifestResult? _set;
    private bool _isApplied;
    private DirectoryPosition? _putAt;
    private string? _lastLogged;
    private int _tries;
    private DateTimeOffset _nextTry;
    private ManifestSourceState _state = new("file:" + path, null, 0, 0, "not read yet");

    /// <summary>How it stands; safe to read from any thread.</summary>
    public ManifestSourceState State => Volatile.Read(ref _state);

    /// <summary>Runs until cancelled; then it returns without an exception.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                LookAndTake();
                if (_set is { } set && time.GetUtcNow() >= _nextTry && isMine?.Invoke(_source) != false && position() != _putAt) await TryApplyAsync(set, cancel);
                await Task.Delay(_watch.IsMoving ? SettleInterval : PollInterval, time, cancel);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { }
    }

    /// <summary>Whatever goes wrong here is logged and looked at again: nobody would notice that a background task has ended.</summary>
    private void LookAndTake()
    {
        try
        {
            if (_watch.Look() is { } set) Take(set);
        }
#pragma warning disable CA1031
        catch (Exception e)
#pragma warning restore CA1031
        {
            // The watch may count as seen what was not taken; a new one has seen nothing.
            _watch = new ManifestWatch(path);
            _set = null;
            FailedAgain("cannot be read, and will be looked at again", $"{e.GetType().Name}: {e.Message}");
        }
    }

    /// <summary>Reads a new set. With errors the set before it stays, and its tries end: the author has moved on from it.</summary>
    private void Take(ManifestInputs set)
    {
        _set = null;
        var result = ManifestReader.ReadAll(set.Inputs);
        IReadOnlyList<ManifestError> errors = [.. set.Errors, .. result.Errors];
        if (errors.Count == 0)
        {
            foreach (var document in result.Documents)
                foreach (var warning in document.Warnings)
                    logger.LogWarning("{File}: document {Number}: {Warning}", document.File, document.Number, warning);
            foreach (var skipped in result.Skipped) logger.LogInformation("{Skipped}", skipped);
            _set = result;
            (_isApplied, _putAt, _lastLogged, _tries, _nextTry) = (false, null, null, 0, time.GetUtcNow());
            return;
        }
        foreach (var error in errors) logger.LogError("{Source} keeps its earlier documents: {Error}", _source, error);
        Failed(errors.Count == 1 ? errors[0].ToString() : $"{errors[0]} (and {errors.Count - 1} more)");
    }

    private async Task TryApplyAsync(ManifestResult set, CancellationToken cancel)
    {
        string reason;
        // From before it was put: its own rows are one more change.
        var putAt = position();
        try
        {
            var request = new ChangeRequest { Source = _source, Changes = await ChangesAsync(set.Documents, cancel), Rests = set.RestingVips };
            // Nothing to put and nothing to delete: an empty folder that never had anything.
            var reply = request.Changes.Count == 0 && request.Rests is null ? new ChangeReply { Outcome = ChangeOutcome.Applied } : await mesh.ChangeAsync(request, _changeDeadline, cancel);
            if (reply.Outcome == ChangeOutcome.Applied)
            {
                _putAt = putAt;
                Applied(set.Documents.Count, reply);
                return;
            }
            reason = reply.Outcome == ChangeOutcome.Refused ? $"{reply.Reason}: {reply.Detail}" : $"{reply.Outcome}: {reply.Detail}";
        }
        catch (MeshUnavailableException e) { reason = $"{ChangeOutcome.Unavailable}: {e.Message}"; }
        // Whatever else goes wrong there, a source outlives it.
        catch (Exception e) when (!cancel.IsCancellationRequested) { reason = $"{e.GetType().Name}: {e.Message}"; }
        // Every failure is tried again, a refusal too: a pool gets space, another source lets go of a document. Repeating is safe.
        _nextTry = time.GetUtcNow() + BackOff();
        FailedAgain("is not applied, and will be tried again", reason);
    }

    private async Task<List<DocumentChange>> ChangesAsync(IReadOnlyList<ManifestDocument> documents, CancellationToken cancel)
    {
        var changes = documents.Select(d => d.ToChange()).ToList();
        var kept = changes.Select(c => c.Key).ToHashSet();
        foreach (var kind in DocumentKinds.All)
        {
            string? after = null;
            for (var pages = 0; pages < MaxPages && (pages == 0 || after is not null); pages++)
            {
                var page = await mesh.ListDocumentsAsync(kind.Kind, new PageRequest(PageSize, after, Source: _source), cancel);
                changes.AddRange(page.Items.Where(r => r.Source == _source && !kept.Contains(r.Document.Key)).Select(r => new DocumentChange(r.Document.Key, null)));
                after = page.Next;
            }
        }
        return changes;
    }

    private void Applied(int documents, ChangeReply reply)
    {
        var changed = reply.Results.Count(r => r.Action is DocumentAction.Created or DocumentAction.Configured or DocumentAction.Deleted);
        // Putting the same again is worth a line only when it mended something.
        var isNews = !_isApplied || changed > 0 || _lastLogged is not null;
        (_isApplied, _lastLogged, _tries, _nextTry) = (true, null, 0, time.GetUtcNow() + RecheckInterval);
        Volatile.Write(ref _state, _state with { LastSuccess = time.GetUtcNow(), Documents = documents, Error = null });
        if (!isNews) return;
        logger.LogInformation("{Source} is applied: {Documents} documents, {Changed} changed", _source, documents, changed);
        foreach (var warning in reply.Warnings ?? []) logger.LogWarning("{Source}: {Warning}", _source, warning);
        foreach (var result in reply.Results)
            foreach (var warning in result.Warnings)
                logger.LogWarning("{Source}: {Document}: {Warning}", _source, result.Key, warning);
    }

    private void Failed(string reason) => Volatile.Write(ref _state, _state with { Failures = _state.Failures + 1, Error = reason });

    /// <summary>A failure that the next try may repeat: a line for the first of a row.</summary>
    private void FailedAgain(string what, string reason)
    {
        Failed(reason);
        if (reason != _lastLogged) logger.LogError("{Source} {What}: {Reason}", _source, what, reason);
        _lastLogged = reason;
    }

    /// <summary>1, 2, 4 ... 60 s, of which a random half to whole is waited, so that nodes that failed together don't return together.</summary>
    private TimeSpan BackOff()
    {
        var longest = Math.Min(MaxBackOff.TotalSeconds, Math.Pow(2, Math.Min(_tries++, 10)));
        return TimeSpan.FromSeconds(longest * (0.5 + jitter.NextDouble() / 2));
    }
}
