using System.Diagnostics;
using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>A node whose file changes takes the new settings without a restart, on SIGHUP and when asked, and keeps the old ones where the file is broken.</summary>
public sealed class ReloadTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly ScratchFolder _folder = new();
    private readonly ScriptedUpstream _before = new();
    private readonly ScriptedUpstream _after = new();
    private NodeProcess? _node;

    private NodeProcess Node => _node!;

    private string Config => _folder["node.conf"];

    public Task InitializeAsync()
    {
        _before.Address4("outside.test", "198.51.100.1");
        _after.Address4("outside.test", "198.51.100.2");
        _before.Address4("inside.test", "198.51.100.3");
        _after.Address4("inside.test", "198.51.100.4");
        Write(_before);
        string[] set = [$"node.data-dir={_folder["data"]}", "node.name=node-1", "dns.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0"];
        _node = NodeProcess.Launch(new ProcessStartInfo("dotnet", [NodeProcess.Program, "run", "--config", Config, .. set.SelectMany(each => (string[])["--set", each])]));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        output.WriteLine("The node's log:\n" + Node.Log);
        if (!Node.HasExited) Assert.Equal(0, await Node.StopAsync());
        await Node.DisposeAsync();
        _before.Dispose();
        _after.Dispose();
        _folder.Dispose();
    }

    private void Write(ScriptedUpstream upstream, string more = "") => File.WriteAllText(Config, $$"""meshdns { upstream.servers = ["{{upstream.Address}}"], {{more}} }""");

    private async Task HangUpAsync() => Assert.Equal(0, (await CommandRun.Of("kill", "-HUP", $"{Node.ProcessId}")).ExitCode);

    private async Task<string> AskAsync(string name) => Assert.Single(await Node.AddressesAsync(name));

    [Fact]
    public async Task Clients_capture_and_upstreams_change_live_and_a_broken_file_changes_nothing()
    {
        await Node.WaitUntilReadyAsync();
        _ = (await Node.ApplyAsync(Manifest.Fixed("inside", "inside.test", "192.0.2.1"))).Done;
        Assert.Equal(("192.0.2.1", "198.51.100.1"), (await AskAsync("inside.test"), await AskAsync("outside.test")));

        // By request: both are cached, and the answer of the server before is not served.
        Write(_after, "clients = [{ cidr = \"127.0.0.0/8\", capture = off }], dns.listen = \"127.0.0.1:1\", upstream.cache-size = 2MiB");
        var reply = await Node.SendAsync(HttpMethod.Post, "/v1/reload");
        Assert.Equal("""{"applied":["upstream.servers","clients"],"needsRestart":["upstream.cache-size"]}""", reply.Text);
        Assert.Equal(("198.51.100.4", "198.51.100.2"), (await AskAsync("inside.test"), await AskAsync("outside.test")));

        // Broken, by both doors.
        File.WriteAllText(Config, "meshdns {\n  clients = []\n  dns.tttl = 10s\n}");
        var refused = (await Node.SendAsync(HttpMethod.Post, "/v1/reload")).Refused(HttpStatusCode.UnprocessableEntity);
        Assert.Equal(("meshdns.dns.tttl", 3), ((string?)refused["errors"]![0]!["field"], (int?)refused["errors"]![0]!["line"]));
        await HangUpAsync();
        await Node.WaitForLogAsync(@"warn: settings.*those before stay as they are \(SIGHUP\).*tttl");
        Assert.Equal(("198.51.100.4", "198.51.100.2"), (await AskAsync("inside.test"), await AskAsync("outside.test")));

        // By signal.
        Write(_before, "dns.capture = on, upstream.routes { \"outside.test\" = \"" + _after.Address + "\" }");
        await HangUpAsync();
        await Node.WaitForLogAsync(@"settings read again \(SIGHUP\): applied: upstream.servers, upstream.routes, clients; needs a restart: nothing");
        Assert.Equal(("192.0.2.1", "198.51.100.2"), (await AskAsync("inside.test"), await AskAsync("outside.test")));
        Assert.Equal((2.0, 2.0), (await Node.MetricAsync("meshdns_settings_reloads_total{result=\"applied\"}"), await Node.MetricAsync("meshdns_settings_reloads_total{result=\"failed\"}")));

        // A token holds from the next request on; a TTL as far as the log allows.
        Write(_before, "admin.token = secret-of-the-test, dns.ttl = 60s");
        reply = await Node.SendAsync(HttpMethod.Post, "/v1/reload");
        Assert.Equal(["dns.ttl is served capped at 30s, the largest that the log allows (PUT /v1/settings)"], reply.Done["notes"]!.AsArray().Select(note => (string?)note));
        Assert.Equal(30u, (await Node.DigAsync("inside.test A")).Only.Ttl);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Node.SendAsync(HttpMethod.Post, "/v1/reload")).Status);
        Assert.Equal(HttpStatusCode.OK, (await Node.SendAsync(HttpMethod.Post, "/v1/reload", headers: ("Authorization", "Bearer secret-of-the-test"))).Status);
        Assert.DoesNotContain("secret-of-the-test", Node.Log, StringComparison.Ordinal);
    }

    // As a supervisor may send one to a node that it has just started: again and again until it is ready, which a node that ends by one never is.
    [Fact]
    public async Task A_signal_while_the_node_starts_neither_ends_it_nor_is_lost()
    {
        await Node.PollAsync(() => Task.FromResult(Signals() is { } caught && (caught & 1) != 0), "SIGHUP is caught");
        Write(_after);
        await HangUpAsync();
        await Node.WaitUntilReadyAsync();
        await Node.PollAsync(async () => await AskAsync("outside.test") == "198.51.100.2", "the servers of the file are asked");
    }

    // The mask of the signals that the process handles: the lowest bit is SIGHUP.
    private ulong? Signals() => File.ReadLines($"/proc/{Node.ProcessId}/status").FirstOrDefault(line => line.StartsWith("SigCgt:", StringComparison.Ordinal)) is { } line ? Convert.ToUInt64(line[7..].Trim(), 16) : null;
}
