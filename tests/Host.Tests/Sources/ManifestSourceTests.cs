using System.Collections.Concurrent;
using MeshDns.Actors;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Host.Sources;
using MeshDns.Host.Tests.Admin;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Tests.Sources;

public sealed class ManifestSourceTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("meshdns-source-").FullName;
    private readonly ManualTimeProvider _time = new();
    private readonly FakeMesh _mesh = new();
    private readonly ListLogger _log = new();
    private readonly CancellationTokenSource _cancel = new();
    private readonly ManifestSource _source;
    private Task _running = Task.CompletedTask;

    public ManifestSourceTests() => _source = new ManifestSource(_folder, _mesh, _time, new Random(1), _log, () => _mesh.Position);

    public async ValueTask DisposeAsync()
    {
        await _cancel.CancelAsync();
        await _running;
        _cancel.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_set_is_one_change_and_is_not_repeated_at_once()
    {
        Write("a.yaml", "a");
        Write("b.yaml", "b", "c");
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(50));
        var request = Assert.Single(_mesh.Requests);
        Assert.Equal("file:" + _folder, request.Source);
        Assert.Equal(["a", "b", "c"], request.Changes.Select(c => c.Key.Name));
        Assert.Equal(3, _source.State.Documents);
        Assert.NotNull(_source.State.LastSuccess);
        Assert.Null(_source.State.Error);
    }

    [Fact]
    public async Task Documents_that_are_gone_are_deleted_and_only_its_own()
    {
        _mesh.Documents["foreign"] = "api";
        for (var i = 0; i < 2_500; i++) _mesh.Documents[$"old-{i:d4}"] = "file:" + _folder;
        Write("a.yaml", "a", "old-0000");
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(2_501, Assert.Single(_mesh.Requests).Changes.Count);
        Assert.Equal(["a", "foreign", "old-0000"], _mesh.Documents.Keys.Order(StringComparer.Ordinal));

        Write("a.yaml", "a");
        await PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(["a", "foreign"], _mesh.Documents.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Kinds_that_mean_nothing_for_names_are_passed_over_and_logged_once()
    {
        Write("a.yaml", "a");
        File.AppendAllText(Path.Combine(_folder, "a.yaml"), "\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n");
        await StartAsync();
        await PassAsync(TimeSpan.FromMinutes(3));
        Assert.Equal(["a"], _mesh.Requests[^1].Changes.Select(c => c.Key.Name));
        Assert.True(_mesh.Requests.Count > 1);
        Assert.Single(_log.Of(LogLevel.Information), line => line.EndsWith("a.yaml: document 2: Deployment (apps/v1) web is skipped: its kind means nothing for names", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_file_says_of_VIPs_comes_with_it_and_what_became_of_it_is_logged()
    {
        File.WriteAllText(Path.Combine(_folder, "a.yaml"), Manifests.Entry("hosts: [a.example]") + "status: {addresses: [{host: a.example, value: 240.240.0.9}]}\n# resting: 240.240.0.8 - 2026-01-31T08:00:00Z\n");
        _mesh.Replies.Enqueue(new ChangeReply { Outcome = ChangeOutcome.Applied, Warnings = ["somebody holds it"] });
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(5));
        var request = Assert.Single(_mesh.Requests);
        Assert.Equal("240.240.0.9", Assert.Single(Assert.Single(request.Changes).Wishes!).Value);
        Assert.Equal("240.240.0.8", Assert.Single(request.Rests!).Vip);
        Assert.Contains(_log.Of(LogLevel.Warning), line => line.Contains("somebody holds it", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_set_with_an_error_leaves_the_earlier_one()
    {
        Write("a.yaml", "a");
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(5));
        File.WriteAllText(Path.Combine(_folder, "b.yaml"), "kind: [");
        await PassAsync(TimeSpan.FromSeconds(5));
        Assert.Single(_mesh.Requests);
        Assert.Contains("b.yaml: document 1", _source.State.Error, StringComparison.Ordinal);
        Assert.Equal(1, _source.State.Failures);

        Write("b.yaml", "b");
        await PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(2, _mesh.Requests.Count);
        Assert.Null(_source.State.Error);
    }

    [Fact]
    public async Task A_folder_that_disappears_withdraws_nothing()
    {
        Write("a.yaml", "a");
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(5));
        Directory.Move(_folder, _folder + ".gone");
        await PassAsync(TimeSpan.FromSeconds(5));
        Directory.Move(_folder + ".gone", _folder);
        Assert.Single(_mesh.Requests);
        Assert.Contains("there is no such file or folder", _source.State.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_fails_is_tried_again_ever_more_slowly()
    {
        _mesh.Replies.Enqueue(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "no store" });
        _mesh.Replies.Enqueue(ChangeReply.Refused(RefusalReason.PoolExhausted, "full"));
        _mesh.Unreachable = 1;
        for (var i = 0; i < 20; i++) _mesh.Replies.Enqueue(new ChangeReply { Outcome = ChangeOutcome.Unknown });
        Write("a.yaml", "a");
        await StartAsync();
        await PassAsync(TimeSpan.FromMinutes(3));
        // 1 + 2 + 4 + 8 + 16 + 32 s, then a minute each, of which at least half is waited.
        Assert.InRange(_mesh.Requests.Count, 5, 11);
        Assert.Equal(_mesh.Requests.Count + 1, _source.State.Failures);
        _mesh.Replies.Clear();
        await PassAsync(TimeSpan.FromMinutes(2));
        Assert.Null(_source.State.Error);
        Assert.Equal(1, _source.State.Documents);
    }

    [Fact]
    public async Task A_new_set_is_tried_at_once_though_the_last_one_waits()
    {
        for (var i = 0; i < 20; i++) _mesh.Replies.Enqueue(ChangeReply.Refused(RefusalReason.OtherSource, "taken"));
        Write("a.yaml", "a");
        await StartAsync();
        await PassAsync(TimeSpan.FromMinutes(5));
        _mesh.Replies.Clear();
        Write("a.yaml", "b");
        await PassAsync(TimeSpan.FromSeconds(3));
        Assert.Equal("b", Assert.Single(_mesh.Documents).Key);
    }

    [Fact]
    public async Task What_somebody_else_deleted_comes_back_within_a_minute()
    {
        Write("a.yaml", "a", "b");
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(5));
        Assert.True(_mesh.Documents.TryRemove("b", out _));
        await PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["a", "b"], _mesh.Documents.Keys.Order(StringComparer.Ordinal));
        await PassAsync(TimeSpan.FromMinutes(10));
        // The first time, the one that mended something, and one that found nothing more: since then the mesh has not changed.
        Assert.Equal(3, _mesh.Requests.Count);
        Assert.Equal(2, _log.Of(LogLevel.Information).Count());
    }

    [Fact]
    public async Task What_another_source_took_over_is_not_taken_back_and_is_told_once()
    {
        Write("a.yaml", "a", "b");
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(5));
        _mesh.Documents["b"] = "api";
        await PassAsync(TimeSpan.FromMinutes(10));
        Assert.Equal("api", _mesh.Documents["b"]);
        Assert.Contains("belongs to api", Assert.Single(_log.Of(LogLevel.Error)), StringComparison.Ordinal);
        Assert.Contains("belongs to api", _source.State.Error, StringComparison.Ordinal);
        Assert.InRange(_mesh.Requests.Count, 8, 25);

        _mesh.Documents.TryRemove("b", out _);
        await PassAsync(TimeSpan.FromMinutes(2));
        Assert.Equal("file:" + _folder, _mesh.Documents["b"]);
        Assert.Null(_source.State.Error);
    }

    [Fact]
    public async Task A_failure_of_any_kind_is_told_and_does_not_end_the_loop()
    {
        File.WriteAllText(Path.Combine(_folder, "a.yaml"), "kind: [");
        _log.Throwing = 1;
        await StartAsync();
        await PassAsync(TimeSpan.FromSeconds(10));
        Assert.False(_running.IsCompleted);
        Assert.Contains("IOException: no space left", _log.Of(LogLevel.Error).First(), StringComparison.Ordinal);
        Assert.Contains("a.yaml: document 1", _source.State.Error, StringComparison.Ordinal);
        Write("a.yaml", "a");
        await PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal("a", Assert.Single(_mesh.Documents).Key);
    }

    private async Task StartAsync()
    {
        _running = _source.RunAsync(_cancel.Token);
        await _time.WaitForTimerAsync();
    }

    /// <summary>Lets time pass; after every step the source is waiting again.</summary>
    private async Task PassAsync(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += ManifestSource.SettleInterval)
        {
            _time.Advance(ManifestSource.SettleInterval);
            await _time.WaitForTimerAsync();
        }
    }

    private void Write(string file, params string[] names) => File.WriteAllText(Path.Combine(_folder, file), string.Join("---\n", names.Select(n =>
        $"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {n}}}\nspec: {{hosts: [{n}.x]}}\n")));

    /// <summary>Remembers requests and keeps documents by name with their source.</summary>
    private sealed class FakeMesh : IMeshControl
    {
        public ConcurrentDictionary<string, string> Documents { get; } = new();

        /// <summary>Another one for other documents.</summary>
        public DirectoryPosition Position => new(Documents.Sum(d => (long)d.GetHashCode()), "term");

        public List<ChangeRequest> Requests { get; } = [];

        public ConcurrentQueue<ChangeReply> Replies { get; } = new();

        public int Unreachable { get; set; }

        public Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel)
        {
            Requests.Add(request);
            if (Replies.TryDequeue(out var reply)) return Task.FromResult(reply);
            foreach (var change in request.Changes)
            {
                if (Documents.TryGetValue(change.Key.Name, out var owner) && owner != request.Source)
                    return Task.FromResult(ChangeReply.Refused(RefusalReason.OtherSource, $"{change.Key} belongs to {owner}", change.Key));
            }
            var results = request.Changes.Select(change => new DocumentResult { Key = change.Key, Action = ActionOf(change) }).ToList();
            foreach (var change in request.Changes)
            {
                if (change.Document is null) Documents.TryRemove(change.Key.Name, out _);
                else Documents[change.Key.Name] = request.Source;
            }
            return Task.FromResult(new ChangeReply { Outcome = ChangeOutcome.Applied, Results = results });
        }

        private DocumentAction ActionOf(DocumentChange change) =>
            change.Document is null ? DocumentAction.Deleted : Documents.ContainsKey(change.Key.Name) ? DocumentAction.Unchanged : DocumentAction.Created;

        public Task<Page<DocumentRecord>> ListDocumentsAsync(DocumentKind kind, PageRequest page, CancellationToken cancel)
        {
            if (Unreachable-- > 0) throw new MeshUnavailableException("no owner");
            if (kind != DocumentKind.ServiceEntry) return Task.FromResult(new Page<DocumentRecord>([], null));
            var names = Documents.Where(d => d.Value == page.Source && string.CompareOrdinal(d.Key, page.After) > 0).Select(d => d.Key).Order(StringComparer.Ordinal).Take(page.Limit).ToList();
            return Task.FromResult(new Page<DocumentRecord>([.. names.Select(n => Record(kind, n, page.Source!))], names.Count == page.Limit ? names[^1] : null));
        }

        public Task<IReadOnlyList<string>> WaitForEdgesAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel) => throw new NotSupportedException();

        public Task<DocumentRecord?> GetDocumentAsync(DocumentKey key, CancellationToken cancel) => throw new NotSupportedException();

        public Task<HostRecord?> GetHostAsync(HostName host, CancellationToken cancel) => throw new NotSupportedException();

        public Task<Page<HostRecord>> ListHostsAsync(PageRequest page, CancellationToken cancel) => throw new NotSupportedException();

        public Task<VipRecord?> GetVipAsync(int index, CancellationToken cancel) => throw new NotSupportedException();

        public Task<Page<VipRecord>> ListVipsAsync(PageRequest page, CancellationToken cancel) => throw new NotSupportedException();

        public Task<Page<RestingVip>> ListRestsAsync(PageRequest page, CancellationToken cancel) => throw new NotSupportedException();

        public Task<ClusterView> GetClusterAsync(CancellationToken cancel) => throw new NotSupportedException();

        public Task<SettingsView> GetSettingsAsync(CancellationToken cancel) => throw new NotSupportedException();

        public Task<bool> DrainAsync(string node, CancellationToken cancel) => throw new NotSupportedException();

        private static DocumentRecord Record(DocumentKind kind, string name, string source) => new(new MeshDocument { Key = new DocumentKey(kind, "default", name) }, 1, source, 0, 0, []);
    }
}
