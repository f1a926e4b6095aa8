using System.Diagnostics;
using System.IO.Pipes;
using MeshDns.Host.Admin;
using MeshDns.Host.Cli;
using MeshDns.Host.Nodes;
using MeshDns.Host.Settings;
using MeshDns.Host.Tests.Admin;
using MeshDns.Host.Tests.Settings;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Tests.Nodes;

/// <summary>Settings read again: from where they came, whole or not at all.</summary>
public sealed class SettingsReloadTests : IDisposable
{
    private readonly TemporaryFiles _files = new();
    private readonly ListLogger _log = new();
    private readonly List<MeshDnsSettings> _applied = [];

    private string Config => _files.PathOf("node.conf");

    public void Dispose() => _files.Dispose();

    private SettingsReload Started(string text, params string[] set)
    {
        _files.Write("node.conf", text);
        return new SettingsReload(Load.Valid(Load.Everything(Config, set, ("MESHDNS_DNS_NEGATIVE_TTL", "7s"))), Apply, _log);
    }

    private List<string> Apply(MeshDnsSettings settings)
    {
        _applied.Add(settings);
        return ["a note"];
    }

    private async Task<ReloadOutcome> ReloadAsync(SettingsReload reload, string text)
    {
        _files.Write("node.conf", text);
        return await reload.RunAsync("test", CancellationToken.None);
    }

    private static double CountOf(SettingsReload reload, string result) => reload.Results.Samples.Where(sample => sample.Labels[0] == result).Sum(sample => sample.Value);

    [Fact]
    public async Task The_file_counts_as_it_is_now_under_the_arguments_and_environment_of_the_start()
    {
        var reload = Started("meshdns.dns.ttl = 20s", "dns.capture=off");
        var outcome = await ReloadAsync(reload, "meshdns { dns { ttl = 10s, capture = on, listen = \"127.0.0.1:1\" }, clients = [{ cidr = \"10.0.0.0/8\", namespace = shop }] }");
        Assert.Equal(["dns.ttl", "clients"], outcome.Applied);
        Assert.Equal(["dns.listen"], outcome.NeedsRestart);
        Assert.Equal(["a note"], outcome.Notes);
        var settings = Assert.Single(_applied);
        Assert.Equal((10, 7, false, "shop"), (settings.Dns.Ttl.TotalSeconds, settings.Dns.NegativeTtl.TotalSeconds, settings.Dns.Capture, Assert.Single(settings.Clients).Namespace));
        Assert.Equal("127.0.0.1:15053", Assert.Single(settings.Dns.Listen).ToString());
        Assert.Contains("settings read again (test): applied: dns.ttl, clients; needs a restart: dns.listen", _log.Of(LogLevel.Information));
        // A key that could not be applied is told of until it is; nothing else is applied twice.
        outcome = await reload.RunAsync("test", CancellationToken.None);
        Assert.Empty(outcome.Applied);
        Assert.Equal(["dns.listen"], outcome.NeedsRestart);
        Assert.Single(_applied);
        Assert.Equal((1, 1, 0), (CountOf(reload, "applied"), CountOf(reload, "unchanged"), CountOf(reload, "failed")));
    }

    [Theory]
    [InlineData("meshdns.dns { ttl = 10s, nonsense = 1 }", "unknown key")]
    [InlineData("meshdns { dns.ttl = 10s", "")]
    [InlineData("meshdns { dns.ttl = 10s, gateway.enabled = true }", "gateway.enabled: the VIP gateway is not in this build")]
    [InlineData("meshdns { dns.ttl = 10s, vips.quarantine = 20s }", "must be at least 4 x dns.ttl")]
    public async Task A_broken_file_changes_nothing_says_why_and_counts(string text, string reason)
    {
        var reload = Started("meshdns.dns.ttl = 20s");
        var outcome = await ReloadAsync(reload, text);
        Assert.Empty(outcome.Applied.Concat(outcome.NeedsRestart));
        Assert.Contains(reason, Assert.Single(outcome.Refused).Reason, StringComparison.Ordinal);
        Assert.Empty(_applied);
        Assert.Contains(reason, Assert.Single(_log.Of(LogLevel.Warning)), StringComparison.Ordinal);
        Assert.Equal(1, CountOf(reload, "failed"));
        // What it compares with is what still runs.
        Assert.Equal(["dns.ttl"], (await ReloadAsync(reload, "meshdns.dns.ttl = 10s")).Applied);
    }

    [Fact]
    public async Task A_file_that_is_gone_or_no_file_is_refused()
    {
        var reload = Started("meshdns.dns.ttl = 20s");
        File.Delete(Config);
        Assert.Contains("cannot be read", Assert.Single((await reload.RunAsync("test", CancellationToken.None)).Refused).Reason, StringComparison.Ordinal);
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        File.CreateSymbolicLink(Config, $"/proc/self/fd/{pipe.ClientSafePipeHandle.DangerousGetHandle()}");
        Assert.Contains("a second time", Assert.Single((await reload.RunAsync("test", CancellationToken.None)).Refused).Reason, StringComparison.Ordinal);
        Assert.Empty(_applied);
    }

    [Fact]
    public async Task A_fault_while_applying_is_an_outcome_and_the_next_time_tries_again()
    {
        _files.Write("node.conf", "");
        var fails = true;
        var reload = new SettingsReload(Load.Valid(Load.Everything(Config, [])), settings => fails ? throw new InvalidOperationException("a bug") : Apply(settings), _log);
        Assert.NotEmpty((await ReloadAsync(reload, "meshdns.dns.ttl = 10s")).Refused);
        Assert.Single(_log.Of(LogLevel.Error));
        fails = false;
        Assert.Equal(["dns.ttl"], (await ReloadAsync(reload, "meshdns.dns.ttl = 10s")).Applied);
        Assert.Equal((1, 1), (CountOf(reload, "failed"), CountOf(reload, "applied")));
    }

    [Fact]
    public async Task One_runs_at_a_time_and_who_waits_may_stop_waiting()
    {
        _files.Write("node.conf", "");
        using var goOn = new ManualResetEventSlim();
        var begun = new TaskCompletionSource();
        var reload = new SettingsReload(Load.Valid(Load.Everything(Config, [])), settings => { begun.SetResult(); goOn.Wait(); return Apply(settings); }, _log);
        using var cancel = new CancellationTokenSource();
        _files.Write("node.conf", "meshdns.dns.ttl = 10s");
        var first = reload.RunAsync("first", cancel.Token);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(30));
        var second = reload.RunAsync("second", CancellationToken.None);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(second.IsCompleted);
        goOn.Set();
        Assert.Empty((await second.WaitAsync(TimeSpan.FromSeconds(30))).Applied);
        Assert.Single(_applied);
    }

    [Fact]
    public async Task Replaced_certificates_need_a_restart()
    {
        string[] keys = ["certificate", "key", "authority"];
        foreach (var key in keys) _files.Write(key, key);
        var reload = Started("", [.. keys.Select(key => $"cluster.tls.{key}={_files.PathOf(key)}")]);
        Assert.Empty((await reload.RunAsync("test", CancellationToken.None)).NeedsRestart);
        _files.Write("key", "another");
        File.Delete(_files.PathOf("authority"));
        Assert.Equal(["cluster.tls.key", "cluster.tls.authority"], (await reload.RunAsync("test", CancellationToken.None)).NeedsRestart);
    }

    [Fact]
    public async Task A_hang_up_that_came_before_anybody_waited_is_kept()
    {
        using var hangUp = new HangUp();
        var reload = Started("");
        using var stop = new CancellationTokenSource();
        await CommandRun.Of(new ProcessStartInfo("kill", ["-HUP", $"{Environment.ProcessId}"]));
        var following = reload.FollowAsync(hangUp, stop.Token);
        for (var i = 0; i < 3000 && CountOf(reload, "unchanged") == 0; i++) await Task.Delay(10);
        Assert.Equal(1, CountOf(reload, "unchanged"));
        await stop.CancelAsync();
        await following.WaitAsync(TimeSpan.FromSeconds(30));
    }
}
