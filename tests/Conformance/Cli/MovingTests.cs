using System.Globalization;
using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cli;

/// <summary>From 0.1.0, the last version whose store this one does not read. <c>export-0.1.0.yaml</c> was written by it.</summary>
public sealed class MovingTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Its_export_keeps_every_VIP_and_every_quarantine()
    {
        using var folder = new ScratchFolder();
        await using var node = await NodeProcess.StartAsync(folder["data"]);
        using var resource = typeof(MovingTests).Assembly.GetManifestResourceStream("export-0.1.0.yaml")!;
        using var reader = new StreamReader(resource);
        // What rested when it was recorded rests no more: it goes on for a day from now here.
        var until = DateTime.UtcNow.AddHours(20).ToString("yyyy-MM-ddTHH:mm", CultureInfo.InvariantCulture);
        var yaml = (await reader.ReadToEndAsync()).Replace("2026-11-30T12:04", until, StringComparison.Ordinal);
        _ = (await node.ApplyAsync(yaml)).Done;
        Assert.Equal(
            [
                "address.internal 240.240.0.1 leased", "billing.example.com 240.240.0.3 quarantined", "cart.shop.svc.cluster.local 240.240.0.7 leased", "db.example.com 240.240.0.9 leased",
                "queue-a.internal 240.240.0.4 leased", "queue-b.internal 240.240.0.5 leased", "queue-c.internal 240.240.0.6 leased", "search.internal 240.240.0.8 quarantined", "taken.example.com 240.240.0.2 reserved",
            ],
            (await node.GetAsync("/v1/vips?limit=100")).Done["items"]!.AsArray().Select(v => $"{v!["host"]} {v["ipv4"]} {v["state"]}").Order(StringComparer.Ordinal));
        output.WriteLine(node.Log);
    }

    [Fact]
    public async Task Over_its_store_a_node_says_how_to_move_and_answers_on()
    {
        using var folder = new ScratchFolder();
        Directory.CreateDirectory(folder["data"]);
        SQLitePCL.Batteries_V2.Init();
        await using (var connection = new SqliteConnection($"Data Source={Path.Combine(folder["data"], "journal.db")};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE ownership (stream TEXT PRIMARY KEY)";
            await command.ExecuteNonQueryAsync();
        }
        await using var node = await NodeProcess.StartUnreadyAsync(folder["data"]);
        await node.WaitForLogAsync("is the store of meshdns 0.1.0 or older, .*meshdns export > mesh.yaml; .*meshdns apply -f mesh.yaml");
        Assert.Contains("0.1.0 or older", (string?)(await node.ApplyAsync(Manifest.Vip("a", "a.test"))).Refused(HttpStatusCode.ServiceUnavailable)["detail"], StringComparison.Ordinal);
        Assert.Equal("NOERROR", (await node.DigAsync("localhost A")).Status);
        Assert.Equal(0, await node.StopAsync());
    }
}
